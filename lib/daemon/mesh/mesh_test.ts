import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeHeadscale } from "../../../tests/fakes/headscale_server.ts";
import { logged } from "../../../tests/fakes/logged.ts";
import { FakeTailscaled } from "../../../tests/fakes/tailscaled.ts";
import { prefixes } from "../../../tests/fakes/tailnet.ts";
import { tailnetHost } from "../../../tests/fakes/tailnet_host.ts";
import { formatPrefix } from "../../net/prefix.ts";
import { emptyReport, type NodeReport } from "../report.ts";
import { loadSettings } from "../settings/load.ts";
import { readFlags } from "../settings/read_flags.ts";
import type { Settings } from "../settings/settings.ts";
import { memoryPath, readMemory, updateMemory } from "./memory_file.ts";
import { Mesh } from "./mesh.ts";
import type { MeshReport } from "./mesh_report.ts";

/** For a turn that never comes, in milliseconds. */
const PATIENCE_MS = 20_000;
const CIDR = "10.244.1.0/24";

/** A node with a tailscaled and a Headscale of its own. */
class Stage implements AsyncDisposable {
  readonly tailscaled: FakeTailscaled;
  readonly headscale: FakeHeadscale;
  readonly dataDir: string;
  readonly report: NodeReport = emptyReport();
  settings: Settings;
  clockMs = 0;
  readonly #mesh: Mesh;
  readonly #end = new AbortController();
  readonly #running: Promise<unknown>[];
  #turned = Promise.withResolvers<void>();

  private constructor(tailscaled: FakeTailscaled, headscale: FakeHeadscale, prepare: Prepare) {
    this.tailscaled = tailscaled;
    this.headscale = headscale;
    this.dataDir = Deno.makeTempDirSync({ prefix: "hct" });
    this.settings = this.settingsWith();
    this.report.localCidrs = prefixes(CIDR);
    prepare(this);
    this.#mesh = new Mesh({
      settings: () => this.settings,
      report: this.report,
      openHost: tailnetHost,
      root: "",
      searchPath: "",
      onLink: () => {},
      onTurn: () => this.#turned.resolve(),
      clockMs: () => this.clockMs,
    });
    this.#running = this.#mesh.loops.map((loop) => loop.run(this.#end.signal));
  }

  static async start(prepare: Prepare = () => {}): Promise<Stage> {
    return new Stage(await FakeTailscaled.start(), new FakeHeadscale("0.29"), prepare);
  }

  /** Those of the daemon, without a Headscale. */
  settingsWith(...flags: readonly string[]): Settings {
    const line = readFlags([
      `--data-dir=${this.dataDir}`,
      `--tailscale-socket=${this.tailscaled.socket}`,
      ...flags,
    ]);
    return loadSettings({ line, env: {}, defaultPath: "/nonexistent" }).settings;
  }

  /** Gives the daemon an API key. */
  giveApiKey(...flags: readonly string[]): void {
    const { headscale, tailscaled, dataDir } = this;
    const path = `${dataDir}/api-key`;
    Deno.writeTextFileSync(path, headscale.apiKey, { mode: 0o600 });
    const key = [`--headscale-url=${headscale.url}`, `--headscale-auth-key-file=${path}`];
    this.settings = this.settingsWith(...key, "--headscale-retries=0", ...flags);
    tailscaled.prefs.ControlURL = headscale.url;
  }

  /** Has the news of tailscaled followed. */
  follow(): void {
    this.#running.push(this.#mesh.follow(this.#end.signal));
  }

  /** What is known at the end of a turn for which this holds; a turn is asked for as long as it does not. */
  async saw(holds: (mesh: MeshReport) => unknown): Promise<MeshReport> {
    const end = () => this.#turned.reject(new Error("no such turn came"));
    const patience = setTimeout(end, PATIENCE_MS);
    try {
      for (;;) {
        await this.#turned.promise;
        this.#turned = Promise.withResolvers<void>();
        const { mesh } = this.report;
        if (mesh && holds(mesh)) return mesh;
        this.#mesh.wake();
      }
    } finally {
      clearTimeout(patience);
    }
  }

  /** The next turn, or the first from then on for which this holds. */
  async turn(holds: (mesh: MeshReport) => unknown = () => true): Promise<MeshReport> {
    this.#turned = Promise.withResolvers<void>();
    this.#mesh.wake();
    return await this.saw(holds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#running);
    this.#mesh[Symbol.dispose]();
    await this.tailscaled[Symbol.asyncDispose]();
    await this.headscale[Symbol.asyncDispose]();
    await Deno.remove(this.dataDir, { recursive: true });
  }
}

/** Something comes at once, and then nothing. */
function openBus(cancel: () => void): Response {
  const start = (bus: ReadableStreamDefaultController<Uint8Array>) =>
    bus.enqueue(new TextEncoder().encode('{"State":6}\n'));
  return new Response(new ReadableStream({ start, cancel }));
}

type Prepare = (stage: Stage) => void;

Deno.test("Mesh: advertises the pods' network beside what the user does, and remembers it", async () => {
  await using stage = await Stage.start(({ tailscaled }) => {
    tailscaled.prefs = { ...tailscaled.prefs, RouteAll: false, AdvertiseRoutes: ["192.0.2.0/24"] };
  });
  const { reasons } = await stage.saw(() => true);
  assertEquals(stage.tailscaled.takeTold(), [
    `PATCH prefs RouteAll=true AdvertiseRoutes=192.0.2.0/24,${CIDR}`,
  ]);
  assertEquals(readMemory(stage.dataDir).advertised, prefixes(CIDR));
  assertEquals(reasons, []);
  await stage.turn();
  assertEquals(stage.tailscaled.takeTold(), []);
});

Deno.test("Mesh: as long as nobody named the pods' network, what was advertised stays", async () => {
  await using stage = await Stage.start((stage) => {
    stage.report.localCidrs = undefined;
    stage.tailscaled.prefs.AdvertiseRoutes = [CIDR];
    updateMemory(stage.dataDir, (memory) => ({ ...memory, advertised: prefixes(CIDR) }));
  });
  await stage.saw(() => true);
  assertEquals([stage.tailscaled.takeTold(), stage.tailscaled.routes], [[], [CIDR]]);
});

Deno.test("Mesh: a tailscaled that is blocked for us is told nothing", async () => {
  await using stage = await Stage.start((stage) => {
    stage.settings = stage.settingsWith("--tailscale-url=https://other.mesh.test");
  });
  const { reasons } = await stage.saw(() => true);
  assertStringIncludes(reasons[0] ?? "", "https://hs.mesh.test");
  // Its route waits, too: neither is Headscale nudged for it.
  stage.tailscaled.prefs.AdvertiseRoutes = [CIDR];
  stage.tailscaled.self = { AllowedIPs: [] };
  updateMemory(stage.dataDir, (memory) => ({ ...memory, advertised: prefixes(CIDR) }));
  for (let turn = 0; turn < 3; turn++) {
    stage.clockMs += 60_000;
    await stage.turn();
  }
  assertEquals(stage.tailscaled.takeTold(), []);
});

Deno.test("Mesh: a tailscaled of the machine that a person stopped is told nothing, and it is said", async () => {
  await using stage = await Stage.start(({ tailscaled }) => {
    tailscaled.status = { BackendState: "Stopped" };
    tailscaled.prefs = { ...tailscaled.prefs, WantRunning: false, RouteAll: false };
  });
  const { reasons } = await stage.saw(() => true);
  assertStringIncludes(reasons[0] ?? "", `tailscale --socket=${stage.tailscaled.socket} up`);
  assertEquals(stage.tailscaled.takeTold(), []);
  stage.tailscaled.status = {};
  stage.tailscaled.prefs.WantRunning = true;
  assertEquals((await stage.turn()).reasons, []);
  assertEquals(stage.tailscaled.routes, [CIDR]);
});

Deno.test("Mesh: Headscale is nudged for a route that is not served, and no trace is left", async () => {
  await using stage = await Stage.start(({ tailscaled }) => {
    tailscaled.self = { AllowedIPs: ["100.64.0.1/32"] };
  });
  await stage.saw(() => true);
  stage.tailscaled.takeTold();
  stage.clockMs += 8_000;
  await stage.turn();
  await stage.turn();
  assertEquals(stage.tailscaled.takeTold(), [
    `PATCH prefs AdvertiseRoutes=${CIDR},203.0.113.255/32`,
    `PATCH prefs AdvertiseRoutes=${CIDR}`,
  ]);
});

Deno.test("Mesh: a node that left advertises nothing, whatever a late turn has advertised", async () => {
  await using stage = await Stage.start((stage) => {
    stage.tailscaled.prefs.AdvertiseRoutes = ["192.0.2.0/24", CIDR];
    updateMemory(stage.dataDir, (memory) => ({
      ...memory,
      left: true,
      advertised: prefixes(CIDR),
    }));
  });
  const { reasons } = await stage.saw(() => true);
  assertStringIncludes(reasons[0] ?? "", "headcni mesh join");
  assertEquals(stage.tailscaled.routes, ["192.0.2.0/24"]);
  assertEquals(readMemory(stage.dataDir).advertised, []);
});

Deno.test("Mesh: what tailscaled does not take keeps the node from nothing else", async () => {
  await using stage = await Stage.start((stage) => {
    const { tailscaled } = stage;
    tailscaled.status = { BackendState: "NeedsLogin", HaveNodeKey: false };
    const path = `${stage.dataDir}/key`;
    Deno.writeTextFileSync(path, "given");
    stage.settings = stage.settingsWith(`--tailscale-auth-key-file=${path}`);
    tailscaled.answers.set("PATCH prefs", () => new Response("no\n", { status: 500 }));
  });
  const { reasons, logins } = await stage.saw(() => true);
  assertStringIncludes(reasons[0] ?? "", "Cannot change the preferences");
  assertEquals(logins, 1);
  assertStringIncludes(stage.tailscaled.takeTold().join("\n"), "POST start AuthKey=given");
});

Deno.test("Mesh: a memory that cannot be read costs only itself", async () => {
  let seen: MeshReport | undefined;
  const log = await logged("warn", async () => {
    await using stage = await Stage.start(({ dataDir }) =>
      Deno.writeFileSync(memoryPath(dataDir), Uint8Array.of(0xff, 0x80))
    );
    seen = await stage.saw(() => true);
    await stage.turn();
    assertEquals(stage.tailscaled.routes, [CIDR]);
  });
  assertEquals(seen?.reasons, []);
  assertEquals(log.split("Cannot read the memory").length, 2); // once
});

Deno.test("Mesh: a tailscaled that does not answer is a reason, and is asked again", async () => {
  await using stage = await Stage.start(({ tailscaled }) => {
    tailscaled.answers.set("GET status", () => new Response("<html>"));
  });
  const { reasons, sight } = await stage.saw(() => true);
  assertEquals(sight.status, undefined);
  assertStringIncludes(reasons.join("\n"), "is that a tailscaled?");
  stage.tailscaled.answers.clear();
  assertEquals((await stage.turn()).reasons, []);
});

Deno.test("Mesh: Headscale is asked as soon as there is a node to ask of, and approves its network", async () => {
  await using stage = await Stage.start((stage) => {
    stage.headscale.addNode("edge-7", CIDR, "192.0.2.0/24");
    stage.giveApiKey();
  });
  const { headscale, reasons } = await stage.saw(({ headscale }) => headscale);
  assertEquals([headscale?.trouble, reasons], [undefined, []]);
  assertEquals(stage.headscale.nodes[0]?.approved, [CIDR]);
  assertEquals(readMemory(stage.dataDir).approved.map(formatPrefix), [CIDR]);
});

Deno.test("Mesh: a Headscale that does not know the node is left in peace until its own turn", async () => {
  await using stage = await Stage.start((stage) => stage.giveApiKey());
  const { reasons } = await stage.saw(({ headscale }) => headscale);
  assertStringIncludes(reasons.join("\n"), "Headscale knows no node with the key of this one");
  for (let turn = 0; turn < 3; turn++) {
    stage.clockMs += 60_000;
    await stage.turn();
  }
  // Another key is another question.
  stage.tailscaled.self = { PublicKey: `nodekey:${"2".repeat(64)}` };
  stage.clockMs += 60_000;
  await stage.turn(({ headscale }) => headscale);
  assertEquals(stage.headscale.takeSeen(), ["GET /api/v1/node", "GET /api/v1/node"]);
});

Deno.test("Mesh.follow: other settings have another tailscaled followed, and the old one no more", async () => {
  await using other = await FakeTailscaled.start();
  await using stage = await Stage.start();
  const seen = new Set<string>();
  for (const [name, tailscaled] of Object.entries({ old: stage.tailscaled, new: other })) {
    tailscaled.answers.set("GET watch-ipn-bus", () => {
      seen.add(`${name} follows`);
      return openBus(() => seen.add(`${name} ended`));
    });
  }
  stage.follow();
  await stage.saw(() => seen.has("old follows"));
  stage.settings = stage.settingsWith(`--tailscale-socket=${other.socket}`);
  await stage.saw(() => seen.has("old ended") && seen.has("new follows"));
  assertEquals(seen.has("new ended"), false);
});

Deno.test("Mesh: certificates that cannot be read are told as Headscale's trouble, and end no turn", async () => {
  await using stage = await Stage.start((stage) => {
    stage.headscale.addNode("edge-7", CIDR);
    stage.giveApiKey(`--headscale-ca-file=${stage.dataDir}/ca.pem`);
  });
  let seen: MeshReport | undefined;
  await logged("warn", async () => {
    seen = await stage.saw(({ headscale }) => headscale);
  });
  assertStringIncludes(seen?.headscale?.trouble ?? "", "Cannot read headscale.caFile");
  // The route is served all the same.
  assertEquals([seen?.reasons, stage.tailscaled.routes], [[], [CIDR]]);
  assertEquals(stage.headscale.takeSeen(), []);
});

Deno.test("Mesh: a login that certificates keep from its key is told, and the rest is done", async () => {
  let seen: MeshReport | undefined;
  await logged("warn", async () => {
    await using stage = await Stage.start((stage) => {
      stage.tailscaled.status = { BackendState: "NeedsLogin", HaveNodeKey: false };
      stage.giveApiKey(`--headscale-ca-file=${stage.dataDir}/ca.pem`);
    });
    seen = await stage.saw(() => true);
    assertEquals(stage.tailscaled.takeTold(), [`PATCH prefs AdvertiseRoutes=${CIDR}`]);
  });
  assertStringIncludes(seen?.reasons[0] ?? "", "Cannot read headscale.caFile");
});
