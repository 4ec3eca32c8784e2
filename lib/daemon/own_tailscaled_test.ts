import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeSystemd } from "../../tests/fakes/systemd.ts";
import { ClientError } from "../errors.ts";
import { keepOwnTailscaled, type OwnOutcome, tailscaleSocket } from "./own_tailscaled.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";
import type { Settings } from "./settings/settings.ts";

const UNIT = "headcni-tailscaled.service";

/** A node of a test's own, on which nobody listens and a tailscaled can be found. */
class OwnNode implements Disposable {
  readonly systemd: FakeSystemd;
  readonly settings: Settings;
  readonly #listeners: Deno.Listener[] = [];

  constructor({ isBooted = true, flags = [] }: { isBooted?: boolean; flags?: string[] } = {}) {
    this.systemd = new FakeSystemd({ isBooted });
    const { root } = this.systemd;
    Deno.mkdirSync(`${root}/bin`);
    Deno.writeTextFileSync(`${root}/bin/tailscaled`, "");
    this.settings = settingsOf([
      `--tailscale-mode=daemon`,
      `--run-directory=${root}`,
      `--data-dir=${root}/data`,
      `--tailscale-socket=${root}/other.sock`,
      `--tailscale-socket-name=own.sock`,
      ...flags,
    ]);
  }

  /** Somebody listens, until the end of the test. */
  listen(name: string): void {
    const path = `${this.systemd.root}/${name}`;
    this.#listeners.push(Deno.listen({ transport: "unix", path }));
  }

  keep(settings = this.settings, root = ""): Promise<OwnOutcome> {
    return keepOwnTailscaled(settings, root, {
      systemd: this.systemd.places,
      searchPath: `bin:${this.systemd.root}/bin`,
      binaryFolders: [],
    });
  }

  /** Text of the unit; empty when there is none. */
  unitText(): string {
    try {
      return Deno.readTextFileSync(`${this.systemd.places.units}/${UNIT}`);
    } catch {
      return "";
    }
  }

  [Symbol.dispose](): void {
    for (const listener of this.#listeners) listener.close();
    this.systemd[Symbol.dispose]();
  }
}

function settingsOf(flags: readonly string[]): Settings {
  return loadSettings({ line: readFlags(flags), env: {}, defaultPath: "/nonexistent" }).settings;
}

Deno.test("keepOwnTailscaled: writes and starts the unit, and then leaves it alone", async () => {
  using node = new OwnNode();
  const { root } = node.systemd;
  assertEquals(await node.keep(), {
    done: [`wrote "${node.systemd.places.units}/${UNIT}"`, `started "${UNIT}"`],
    todo: undefined,
    warning: undefined,
  });
  assertEquals(node.systemd.takeCalls(), [
    "daemon-reload",
    `is-active ${UNIT}`,
    `enable --now ${UNIT}`,
  ]);
  assertStringIncludes(
    node.unitText(),
    `ExecStart=${root}/bin/tailscaled --socket=${root}/own.sock --statedir=${root}/data/tailscale ` +
      "--tun=headcni01 --port=41645 ",
  );
  assertEquals((await Deno.stat(`${root}/data/tailscale`)).mode ?? 0, 0o40700);
  node.listen("own.sock");
  assertEquals(await node.keep(), { done: [], todo: undefined, warning: undefined });
  assertEquals(node.systemd.takeCalls(), []);
});

Deno.test("keepOwnTailscaled: new settings are written, and a person restarts it", async () => {
  using node = new OwnNode();
  await node.keep();
  node.listen("own.sock");
  node.systemd.takeCalls();
  const { root } = node.systemd;
  const settings = settingsOf([
    ...[`--tailscale-mode=own`, `--run-directory=${root}`, `--data-dir=${root}/data`],
    ...[`--tailscale-socket-name=own.sock`, "--tailscale-port=41700"],
  ]);
  const beganMs = Date.now() - 60_000;
  Deno.utimeSync(`${root}/own.sock`, new Date(beganMs), new Date(beganMs));
  const outcome = await node.keep(settings);
  assertEquals(outcome.done, [`wrote "${node.systemd.places.units}/${UNIT}"`]);
  assertEquals(outcome.todo, undefined);
  assertStringIncludes(outcome.warning ?? "", `systemctl restart ${UNIT}`);
  assertStringIncludes(node.unitText(), "--port=41700");
  assertEquals(node.systemd.takeCalls(), ["daemon-reload"]);
  // It is told until somebody does.
  assertEquals(await node.keep(settings), { ...outcome, done: [] });
  const againMs = Date.now() + 60_000;
  Deno.utimeSync(`${root}/own.sock`, new Date(againMs), new Date(againMs));
  assertEquals((await node.keep(settings)).warning, undefined);
});

Deno.test("keepOwnTailscaled: one that another mode left behind is told", async () => {
  using node = new OwnNode();
  await node.keep();
  node.listen("own.sock");
  node.systemd.takeCalls();
  const settings = settingsOf(["--tailscale-mode=host", `--run-directory=${node.systemd.root}`]);
  const { done, todo = "" } = await node.keep(settings);
  assertEquals([done, node.systemd.takeCalls()], [[], []]);
  assertStringIncludes(todo, `systemctl disable --now ${UNIT}`);
  assertEquals(await node.keep(settings, "/host"), { done: [], todo: undefined });
  await Deno.remove(`${node.systemd.places.units}/multi-user.target.wants/${UNIT}`);
  assertEquals(await node.keep(settings), { done: [], todo: undefined });
});

Deno.test("keepOwnTailscaled: one that was stopped, or disabled, is started again", async () => {
  using node = new OwnNode();
  await node.keep();
  node.systemd.setState("failed");
  node.systemd.takeCalls();
  assertEquals((await node.keep()).done, [`started "${UNIT}"`]);
  assertEquals(node.systemd.takeCalls(), [`is-active ${UNIT}`, `enable --now ${UNIT}`]);
  node.listen("own.sock");
  await Deno.remove(`${node.systemd.places.units}/multi-user.target.wants/${UNIT}`);
  assertEquals((await node.keep()).done, [`started "${UNIT}"`]);
});

Deno.test("keepOwnTailscaled: one that is being started, or stopped, is waited for", async () => {
  using node = new OwnNode();
  await node.keep();
  for (const state of ["activating", "deactivating"]) {
    node.systemd.setState(state);
    node.systemd.takeCalls();
    assertEquals(await node.keep(), { done: [], todo: undefined });
    assertEquals(node.systemd.takeCalls(), [`is-active ${UNIT}`]);
  }
});

Deno.test("keepOwnTailscaled: active, but deaf, is a person's to look at", async () => {
  using node = new OwnNode();
  await node.keep();
  const { done, todo } = await node.keep();
  assertEquals(done, []);
  assertStringIncludes(todo ?? "", "is active, but nobody listens");
});

Deno.test("keepOwnTailscaled: without systemd a person runs a container", async () => {
  using bare = new OwnNode({ isBooted: false });
  using within = new OwnNode();
  for (const [node, root] of [[bare, ""], [within, "/host"]] as const) {
    const { done, todo = "" } = await node.keep(node.settings, root);
    assertEquals(done, []);
    assertStringIncludes(todo, "no systemd is in reach");
    assertStringIncludes(todo, `tailscaled --socket=${node.systemd.root}/own.sock --statedir=`);
    assertEquals([node.unitText(), node.systemd.takeCalls()], ["", []]);
    node.listen("own.sock");
    assertEquals(await node.keep(node.settings, root), { done: [], todo: undefined });
  }
});

Deno.test("keepOwnTailscaled: a container that serves keeps the unit away", async () => {
  using node = new OwnNode();
  node.listen("own.sock");
  assertEquals(await node.keep(), { done: [], todo: undefined });
  assertEquals([node.unitText(), node.systemd.takeCalls()], ["", []]);
});

Deno.test("keepOwnTailscaled: a second tailscaled on the node is not begun", async () => {
  using node = new OwnNode();
  node.listen("other.sock");
  const { done, todo = "" } = await node.keep();
  assertEquals([done, node.unitText(), node.systemd.takeCalls()], [[], "", []]);
  assertStringIncludes(todo, `another one listens on "${node.systemd.root}/other.sock"`);
});

Deno.test("keepOwnTailscaled: says where no tailscaled was found", async () => {
  using node = new OwnNode();
  await Deno.remove(`${node.systemd.root}/bin/tailscaled`);
  assertStringIncludes((await node.keep()).todo ?? "", "there is none on this node");
  using named = new OwnNode({ flags: ["--tailscale-binary=/nonexistent/tailscaled"] });
  const { todo = "" } = await named.keep();
  assertStringIncludes(todo, '"/nonexistent/tailscaled" is no file; install tailscale');
  assertEquals(named.systemd.takeCalls(), []);
});

Deno.test("keepOwnTailscaled: what systemctl refuses is an error, and tried again", async () => {
  using node = new OwnNode();
  node.systemd.fail("Access denied");
  await assertRejects(() => node.keep(), ClientError, "Access denied");
  node.systemd.recover();
  assertEquals((await node.keep()).done, [`started "${UNIT}"`]);
});

Deno.test("tailscaleSocket: by mode, the older word too", () => {
  const socket = (mode: string) => tailscaleSocket(settingsOf([`--tailscale-mode=${mode}`]));
  assertEquals(["host", "own", "daemon", "off"].map(socket), [
    "/var/run/tailscale/tailscaled.sock",
    "/run/headcni/headcni_tailscale.sock",
    "/run/headcni/headcni_tailscale.sock",
    undefined,
  ]);
});
