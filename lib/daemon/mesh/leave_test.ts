import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeHeadscale, type FakeHeadscaleNode } from "../../../tests/fakes/headscale_server.ts";
import { FakeTailscaled } from "../../../tests/fakes/tailscaled.ts";
import { prefixes } from "../../../tests/fakes/tailnet.ts";
import { loadSettings } from "../settings/load.ts";
import { readFlags } from "../settings/read_flags.ts";
import type { Settings } from "../settings/settings.ts";
import { leaveMesh, type LeaveReport, rejoinMesh } from "./leave.ts";
import { readMemory, updateMemory } from "./memory_file.ts";

const CIDR = "10.244.1.0/24";
const THEIRS = "192.0.2.0/24";

/** A node that advertises and serves its network, and one of its owner's. */
class Stage implements AsyncDisposable {
  readonly tailscaled: FakeTailscaled;
  readonly headscale = new FakeHeadscale("0.29");
  readonly node: FakeHeadscaleNode;
  readonly dataDir = Deno.makeTempDirSync({ prefix: "hct" });

  private constructor(tailscaled: FakeTailscaled) {
    this.tailscaled = tailscaled;
    this.node = this.headscale.addNode("edge-7", CIDR, THEIRS);
    this.node.approved = [THEIRS, CIDR];
    tailscaled.prefs.AdvertiseRoutes = [THEIRS, CIDR];
    const ours = prefixes(CIDR);
    updateMemory(this.dataDir, () => ({ advertised: ours, approved: ours, left: false }));
  }

  static async start(): Promise<Stage> {
    return new Stage(await FakeTailscaled.start());
  }

  leave(
    { deregister = false, apiKey = this.headscale.apiKey } = {},
  ): Promise<LeaveReport> {
    return leaveMesh(this.settings(apiKey), { deregister });
  }

  settings(apiKey: string): Settings {
    const line = readFlags([
      ...[`--data-dir=${this.dataDir}`, `--tailscale-socket=${this.tailscaled.socket}`],
      ...[`--headscale-url=${this.headscale.url}`, "--headscale-retries=0"],
    ]);
    const env = apiKey === "" ? {} : { HEADSCALE_AUTH_KEY: apiKey };
    return loadSettings({ line, env, defaultPath: "/nonexistent" }).settings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tailscaled[Symbol.asyncDispose]();
    await this.headscale[Symbol.asyncDispose]();
    await Deno.remove(this.dataDir, { recursive: true });
  }
}

Deno.test("leaveMesh: takes back what we advertised and approved, and nothing else", async () => {
  await using stage = await Stage.start();
  const { done, failures } = await stage.leave();
  assertEquals({ done, failures }, {
    done: [`${CIDR}: advertised no more`, `${CIDR}: approved no more`],
    failures: [],
  });
  assertEquals([stage.tailscaled.routes, stage.node.approved], [[THEIRS], [THEIRS]]);
  assertEquals(readMemory(stage.dataDir), { advertised: [], approved: [], left: true });
  assertEquals(stage.tailscaled.takeTold(), [`PATCH prefs AdvertiseRoutes=${THEIRS}`]);
  assertEquals((await stage.leave()).done, []);
});

Deno.test("leaveMesh: without an API key Headscale is not asked", async () => {
  await using stage = await Stage.start();
  const { done, failures } = await stage.leave({ apiKey: "" });
  assertEquals({ done, failures }, { done: [`${CIDR}: advertised no more`], failures: [] });
  assertEquals(stage.headscale.takeSeen(), []);
});

Deno.test("leaveMesh: what is done tells of no route that was not approved", async () => {
  await using stage = await Stage.start();
  stage.node.approved = [THEIRS];
  assertEquals((await stage.leave()).done, [`${CIDR}: advertised no more`]);
});

Deno.test("leaveMesh: a tailscaled that does not answer leaves approvals, says so, and a second call does it", async () => {
  await using stage = await Stage.start();
  const refuse = () => new Response("not now\n", { status: 500 });
  for (const question of ["GET status", "GET prefs"]) {
    stage.tailscaled.answers.set(question, refuse);
  }
  const { done, failures } = await stage.leave();
  assertEquals([done, failures.length], [[], 2]);
  assert(failures.every((text) => text.includes("not now")));
  assertEquals(readMemory(stage.dataDir), {
    ...{ advertised: prefixes(CIDR), approved: prefixes(CIDR), left: true },
  });
  stage.tailscaled.answers.clear();
  assertEquals((await stage.leave()).done.length, 2);
});

Deno.test("leaveMesh: with --deregister the node is logged out, then deleted in Headscale", async () => {
  await using stage = await Stage.start();
  let known = 0;
  stage.tailscaled.answers.set("POST logout", () => {
    known = stage.headscale.nodes.length;
    return new Response(null, { status: 204 });
  });
  const { done, failures } = await stage.leave({ deregister: true });
  assertEquals(failures, []);
  assertEquals(done.slice(-2), [
    "logged out of the tailnet",
    "node 1 (edge-7): deleted in Headscale",
  ]);
  // Headscale still knew whom tailscaled was talking of.
  assertEquals([known, stage.headscale.nodes], [1, []]);
  assertEquals(stage.tailscaled.takeTold().at(-1), "POST logout");
});

Deno.test("leaveMesh: a node that Headscale was not asked of keeps its key, by which it is found again", async () => {
  await using stage = await Stage.start();
  const { failures } = await stage.leave({ deregister: true, apiKey: "hskey-api-wrong" });
  assertEquals(failures.length, 2);
  assertStringIncludes(failures[0] ?? "", "401");
  assertStringIncludes(failures[1] ?? "", "logged out");
  assertEquals(stage.tailscaled.takeTold(), [`PATCH prefs AdvertiseRoutes=${THEIRS}`]);
  const { done } = await stage.leave({ deregister: true });
  assertEquals([done.at(-1), stage.headscale.nodes], ["node 1 (edge-7): deleted in Headscale", []]);
});

Deno.test("rejoinMesh: tells whether the node had left, and keeps the rest of the memory", async () => {
  await using stage = await Stage.start();
  assertEquals(rejoinMesh(stage), false);
  updateMemory(stage.dataDir, (memory) => ({ ...memory, left: true }));
  assertEquals([rejoinMesh(stage), rejoinMesh(stage)], [true, false]);
  assertEquals(readMemory(stage.dataDir).advertised, prefixes(CIDR));
});
