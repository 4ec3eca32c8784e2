import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeLocalApi } from "../../tests/fakes/local_api.ts";
import { FakeSystemd } from "../../tests/fakes/systemd.ts";
import { prefixes } from "../../tests/fakes/tailnet.ts";
import { readMemory, updateMemory } from "./mesh/memory_file.ts";
import { removeFromTailnet } from "./remove_from_tailnet.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";
import type { Settings } from "./settings/settings.ts";
import { Work, type WorkOutcome } from "./work.ts";

const UNIT = "headcni-tailscaled.service";

/** Settings of a node whose folders are those of a fake systemd. */
function settingsOf({ root }: FakeSystemd, ...flags: readonly string[]): Settings {
  const line = readFlags([
    ...[`--run-directory=${root}`, `--data-dir=${root}/data`, "--tailscale-socket-name=own.sock"],
    ...flags,
  ]);
  return loadSettings({ line, env: {}, defaultPath: "/nonexistent" }).settings;
}

async function remove(systemd: FakeSystemd, settings: Settings, root = ""): Promise<WorkOutcome> {
  const work = new Work();
  await removeFromTailnet(settings, root, work, { systemd: systemd.places });
  return work.outcome;
}

/** Has the node remember that it advertises the network of its pods. */
function advertise({ dataDir }: Settings): void {
  updateMemory(dataDir, (memory) => ({ ...memory, advertised: prefixes("10.244.1.0/24") }));
}

/** What a tailscaled is set to that advertises a route of the user's beside ours. */
const PREFS = { WantRunning: true, AdvertiseRoutes: ["192.168.7.0/24", "10.244.1.0/24"] };

/** Such a tailscaled; `change` answers what changes it. */
function startTailscaled(change: () => Response): Promise<FakeLocalApi> {
  return FakeLocalApi.start(({ method, path }) => {
    if (method === "PATCH") return change();
    return Response.json(path === "prefs" ? PREFS : { BackendState: "Running" });
  });
}

/** Writes and starts the unit of a tailscaled of our own. */
function startUnit(systemd: FakeSystemd): string {
  const path = `${systemd.places.units}/${UNIT}`;
  Deno.writeTextFileSync(path, "[Unit]\n");
  systemd.setState("active");
  return path;
}

Deno.test("removeFromTailnet: our routes go, those of the user stay", async () => {
  using systemd = new FakeSystemd();
  await using tailscaled = await startTailscaled(() => Response.json(PREFS));
  const settings = settingsOf(systemd, `--tailscale-socket=${tailscaled.socket}`);
  advertise(settings);
  const { dataDir } = settings;
  assertEquals(await remove(systemd, settings), {
    done: [
      "10.244.1.0/24: advertised no more",
      `${dataDir}/mesh.json: removed`,
      `${dataDir}/mesh.json.lock: removed`,
    ],
    kept: [],
    failures: [],
  });
  const patches = tailscaled.asked.filter(({ method }) => method === "PATCH");
  assertEquals(patches.map(({ body }) => JSON.parse(body)), [
    { AdvertiseRoutes: ["192.168.7.0/24"], AdvertiseRoutesSet: true },
  ]);
  assertEquals(systemd.takeCalls(), []);
  assertEquals(await remove(systemd, settings), { done: [], kept: [], failures: [] });
});

Deno.test("removeFromTailnet: what tailscaled refuses is told, and stays remembered", async () => {
  using systemd = new FakeSystemd();
  await using tailscaled = await startTailscaled(() => new Response("no", { status: 500 }));
  const settings = settingsOf(systemd, `--tailscale-socket=${tailscaled.socket}`);
  advertise(settings);
  const { done, kept: [kept = ""], failures: [failure = ""] } = await remove(systemd, settings);
  assertEquals(done, []);
  assertStringIncludes(failure, "it refuses: no");
  assertStringIncludes(kept, `${settings.dataDir}/mesh.json: by it "headcni mesh leave"`);
  assertStringIncludes(kept, "10.244.1.0/24");
  assertEquals(readMemory(settings.dataDir).advertised, prefixes("10.244.1.0/24"));
});

Deno.test("removeFromTailnet: where no tailscaled runs what it would advertise is told", async () => {
  for (const mode of ["host", "own", "off"]) {
    using systemd = new FakeSystemd();
    const settings = settingsOf(
      systemd,
      `--tailscale-mode=${mode}`,
      `--tailscale-socket=${systemd.root}/none.sock`,
    );
    advertise(settings);
    const { done, kept: [kept = ""], failures } = await remove(systemd, settings);
    assertEquals([done, failures], [[], []], mode);
    assertStringIncludes(kept, "once tailscaled answers: 10.244.1.0/24");
    assertEquals(readMemory(settings.dataDir).left, false, mode);
  }
});

Deno.test("removeFromTailnet: what Headscale approved and cannot be asked of stays remembered", async () => {
  using systemd = new FakeSystemd();
  const settings = settingsOf(systemd, `--tailscale-socket=${systemd.root}/none.sock`);
  const { dataDir } = settings;
  updateMemory(dataDir, (memory) => ({ ...memory, approved: prefixes("10.244.1.0/24") }));
  const { done, kept: [kept = ""] } = await remove(systemd, settings);
  assertEquals(done, []);
  assertStringIncludes(kept, "once tailscaled answers: 10.244.1.0/24");
  assertEquals(readMemory(dataDir).approved, prefixes("10.244.1.0/24"));
});

Deno.test("removeFromTailnet: a tailscaled of our own goes, and its keys stay", async () => {
  // Also where the mode is another by now.
  for (const mode of ["own", "host"]) {
    using systemd = new FakeSystemd();
    const settings = settingsOf(
      systemd,
      `--tailscale-mode=${mode}`,
      `--tailscale-socket=${systemd.root}/none.sock`,
    );
    const keys = `${settings.dataDir}/tailscale`;
    Deno.mkdirSync(keys, { recursive: true });
    const unit = startUnit(systemd);
    // As one leaves it that was killed.
    const socket = `${systemd.root}/own.sock`;
    Deno.writeTextFileSync(socket, "");
    const { done, kept: [kept = ""], failures } = await remove(systemd, settings);
    assertEquals(done, [
      `systemctl disable --now ${UNIT}`,
      `${unit}: removed`,
      `${socket}: removed`,
    ]);
    assertStringIncludes(kept, `${keys}: who this node is in its tailnet`);
    assertEquals(failures, []);
    assertEquals(systemd.takeCalls(), [`disable --now ${UNIT}`, "daemon-reload"]);
    assertEquals(Deno.statSync(keys).isDirectory, true);
  }
});

Deno.test("removeFromTailnet: routes are withdrawn while the tailscaled of our own runs", async () => {
  using systemd = new FakeSystemd();
  const calls: string[] = [];
  await using tailscaled = await startTailscaled(() => {
    calls.push(...systemd.takeCalls(), "withdrawn");
    return Response.json(PREFS);
  });
  await Deno.symlink(tailscaled.socket, `${systemd.root}/own.sock`);
  const settings = settingsOf(systemd, "--tailscale-mode=own");
  advertise(settings);
  startUnit(systemd);
  const { kept, failures } = await remove(systemd, settings);
  calls.push(...systemd.takeCalls());
  assertEquals(calls, ["withdrawn", `disable --now ${UNIT}`, "daemon-reload"]);
  assertEquals(failures, []);
  // The one of the test goes on.
  assertEquals(kept, [
    `${systemd.root}/own.sock: a tailscaled that is not ours to end listens there`,
  ]);
});

Deno.test("removeFromTailnet: what systemctl refuses is told, and tried again", async () => {
  using systemd = new FakeSystemd();
  const settings = settingsOf(systemd, "--tailscale-mode=own");
  const unit = startUnit(systemd);
  systemd.fail("Access denied");
  const { done, failures: [failure = ""] } = await remove(systemd, settings);
  assertEquals(done, []);
  assertStringIncludes(failure, `Cannot stop "${UNIT}": Access denied`);
  systemd.recover();
  assertEquals((await remove(systemd, settings)).done, [
    `systemctl disable --now ${UNIT}`,
    `${unit}: removed`,
  ]);
});

Deno.test("removeFromTailnet: in a container no unit is in reach", async () => {
  using systemd = new FakeSystemd();
  const unit = startUnit(systemd);
  const settings = settingsOf(systemd, "--tailscale-mode=own");
  assertEquals(await remove(systemd, settings, "/host"), { done: [], kept: [], failures: [] });
  assertEquals([systemd.takeCalls(), Deno.statSync(unit).isFile], [[], true]);
});
