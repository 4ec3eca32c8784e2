import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeApiServer } from "../../../tests/fakes/api_server.ts";
import { FakeHeadscale, type FakeHeadscaleNode } from "../../../tests/fakes/headscale_server.ts";
import { prefixes } from "../../../tests/fakes/tailnet.ts";
import { formatPrefix } from "../../net/prefix.ts";
import { loadSettings } from "../settings/load.ts";
import { readFlags } from "../settings/read_flags.ts";
import type { Settings } from "../settings/settings.ts";
import { HeadscaleLink } from "./headscale_link.ts";
import { readMemory, updateMemory } from "./memory_file.ts";

const CIDR = "10.244.1.0/24";
const OLD = "10.244.9.0/24";
const THEIRS = "192.0.2.0/24";

/** A Headscale with one node, whose daemon asks it. */
class Stage implements AsyncDisposable {
  readonly headscale = new FakeHeadscale("0.29");
  readonly node: FakeHeadscaleNode;
  readonly dataDir: string;
  readonly link = new HeadscaleLink();

  constructor() {
    this.dataDir = Deno.makeTempDirSync({ prefix: "hct" });
    this.node = this.headscale.addNode("edge-7", CIDR, OLD, THEIRS);
  }

  /** @param apiKey as it stands in the environment. */
  settings(apiKey = this.headscale.apiKey, ...flags: readonly string[]): Settings {
    const line = readFlags([
      ...[`--data-dir=${this.dataDir}`, `--headscale-url=${this.headscale.url}`],
      ...["--headscale-retries=0", ...flags],
    ]);
    const env = { HEADSCALE_AUTH_KEY: apiKey };
    return loadSettings({ line, env, defaultPath: "/nonexistent" }).settings;
  }

  async ask(settings: Settings, podCidrs = prefixes(CIDR)): Promise<string | undefined> {
    return (await this.link.ask(settings, this.node.nodeKey, podCidrs))?.trouble;
  }

  /** What was approved, by whoever, and what we remember as ours. */
  approve(all: readonly string[], ours: string): void {
    this.node.approved = [...all];
    updateMemory(this.dataDir, (memory) => ({ ...memory, approved: prefixes(ours) }));
  }

  get remembered(): string[] {
    return readMemory(this.dataDir).approved.map(formatPrefix);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.link[Symbol.dispose]();
    await this.headscale[Symbol.asyncDispose]();
    await Deno.remove(this.dataDir, { recursive: true });
  }
}

Deno.test("HeadscaleLink: an API key that a reload brought is the one that is used", async () => {
  await using stage = new Stage();
  assertStringIncludes(await stage.ask(stage.settings("hskey-api-old")) ?? "", "401");
  assertEquals(await stage.ask(stage.settings()), undefined);
  assertEquals(stage.node.approved, [CIDR]);
});

Deno.test("HeadscaleLink: certificates that cannot be used cost no more than the time that they are there", async () => {
  await using stage = new Stage();
  const caFile = `${stage.dataDir}/ca.pem`;
  const [plain, withCa] = [
    stage.settings(),
    stage.settings(undefined, `--headscale-ca-file=${caFile}`),
  ];
  assertEquals(await stage.ask(plain), undefined);
  assertStringIncludes(await stage.ask(withCa) ?? "", `Cannot read headscale.caFile "${caFile}"`);
  Deno.writeTextFileSync(caFile, "none");
  assertStringIncludes(await stage.ask(withCa) ?? "", "it holds no certificate");
  assertEquals(await stage.ask(plain), undefined);
});

Deno.test("HeadscaleLink: other certificates in the file are used from then on", async () => {
  await using stage = new Stage();
  const caFile = `${stage.dataDir}/ca.pem`;
  const settings = stage.settings(undefined, `--headscale-ca-file=${caFile}`);
  await using authority = await FakeApiServer.start();
  const { caPem = "" } = authority.access;
  Deno.writeTextFileSync(caFile, caPem);
  const first = stage.link.client(settings);
  assertEquals(stage.link.client(settings), first);
  Deno.writeTextFileSync(caFile, `${caPem}\n`);
  assertEquals(stage.link.client(settings) === first, false);
});

Deno.test("HeadscaleLink: what is ours is approved, what no pods have is not, what others approved stays", async () => {
  await using stage = new Stage();
  stage.approve([THEIRS, OLD], OLD);
  assertEquals(await stage.ask(stage.settings()), undefined);
  assertEquals(stage.node.approved, [THEIRS, CIDR]);
  assertEquals(stage.remembered, [CIDR]);
});

Deno.test("HeadscaleLink: as long as nobody named the pods' network, what is approved stays", async () => {
  await using stage = new Stage();
  stage.approve([THEIRS, CIDR], CIDR);
  const { settings, node, link } = { ...stage, settings: stage.settings() };
  await link.ask(settings, node.nodeKey, undefined);
  assertEquals([node.approved, stage.remembered], [[THEIRS, CIDR], [CIDR]]);
});

Deno.test("HeadscaleLink: a node that left has what we approved taken back", async () => {
  await using stage = new Stage();
  stage.approve([THEIRS, CIDR], CIDR);
  updateMemory(stage.dataDir, (memory) => ({ ...memory, left: true }));
  assertEquals(await stage.ask(stage.settings()), undefined);
  assertEquals([stage.node.approved, stage.remembered], [[THEIRS], []]);
});

Deno.test("HeadscaleLink: what Headscale did not do is remembered as what may be ours", async () => {
  await using stage = new Stage();
  stage.approve([OLD], OLD);
  stage.headscale.next.push(undefined, () => new Response("no", { status: 418 }));
  assertStringIncludes(await stage.ask(stage.settings()) ?? "", "418");
  assertEquals(stage.remembered, [OLD, CIDR]);
});

Deno.test("HeadscaleLink: a question ends in time, whatever the settings give it, and so do its requests", async () => {
  await using stage = new Stage();
  using link = new HeadscaleLink(50);
  const long = ["--headscale-timeout=1s", "--headscale-retries=2"];
  const settings = stage.settings(undefined, ...long);
  const client = link.client(settings);
  const end = Promise.withResolvers<Response>();
  stage.headscale.next.push(...long.map(() => () => end.promise));
  const sight = await link.ask(settings, stage.node.nodeKey, prefixes(CIDR));
  end.resolve(new Response());
  assertEquals(sight?.trouble, "Headscale gave no answer in 0.05 s");
  assertEquals(link.client(settings) === client, false);
});

Deno.test("HeadscaleLink.sightOf: tells of the node key that was asked of, and of no other", async () => {
  await using stage = new Stage();
  const { link, node } = stage;
  assertEquals(link.sightOf(undefined), undefined);
  await stage.ask(stage.settings());
  assertEquals(link.sightOf(node.nodeKey)?.node?.nodeKey, node.nodeKey);
  assertEquals(link.sightOf("nodekey:02"), undefined);
});
