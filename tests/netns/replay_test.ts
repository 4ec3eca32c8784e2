/**
 * Everything that podman 4.3 and containerd 1.6 sent to Debian's plugins in a recorded session,
 * sent to us in their place, in the same order: the pods get what they got then. See
 * `tests/fixtures/captures/README.md` for the files.
 */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { equal } from "../../lib/std/equal.ts";
import { formatPrefix, networkOf, parsePrefix } from "../../lib/net/prefix.ts";
import { hostLinkName, ifbName } from "../../lib/pod/identity.ts";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { testUnless } from "../fakes/test_unless.ts";
import {
  attachmentOf,
  type CapturedCall,
  type CapturedInterface,
  type CapturedResult,
  describeCall,
  hostPortsOf,
  readCapture,
} from "./capture.ts";
import type { TestNetns } from "./namespace.ts";
import { missingDebian } from "./debian.ts";
import { DEBIAN_PLUGINS, TestNode } from "./plugin.ts";
import { observePod, type PodState } from "./pod_state.ts";

/** What the recordings lack, by the container whose ADD comes after. */
interface Gap {
  readonly before: string;
  /** So many pods came and went unrecorded. */
  readonly lostPods?: number;
  /** Somebody emptied the network's directory of host-local. */
  readonly emptied?: boolean;
}

/** A recorded session, and all that is known to differ from it. */
interface Session {
  readonly name: "podman" | "containerd";
  readonly gaps: readonly Gap[];
  /** How often each of {@linkcode KNOWN_DIFFERENCES} occurs. */
  readonly networkDifferences: Readonly<Record<string, number>>;
  /** The same, where host ports and limits are given to us instead of to the plugins behind us. */
  readonly nativeDifferences: Readonly<Record<string, number>>;
  /** The same, of the calls of host-local alone. */
  readonly ipamDifferences: Readonly<Record<string, number>>;
  readonly bridges: readonly string[];
  /** How many host ports lead to a pod, and how many pods have limits. */
  readonly extras: { readonly hostPorts: number; readonly limits: number };
}

const NO_EMPTY_DNS = "we leave out a dns that is empty";
const IP_VERSION = "Debian's loopback leaves out the IP version, which 0.3.1 demands";
const NO_IFB = "Debian's bandwidth tells of its ifb, we do not";
const OWN_NAMES = "MAC addresses, random in the capture, and names of veths are our own";

const SESSIONS: readonly Session[] = [
  {
    name: "podman",
    gaps: [{ before: "2f54b54f", lostPods: 13 }],
    networkDifferences: { [NO_EMPTY_DNS]: 8, [OWN_NAMES]: 20 },
    nativeDifferences: { [NO_EMPTY_DNS]: 8, [OWN_NAMES]: 14 },
    ipamDifferences: { [NO_EMPTY_DNS]: 6 },
    bridges: ["cnipod0"],
    extras: { hostPorts: 1, limits: 0 },
  },
  {
    name: "containerd",
    gaps: [
      { before: "5b955500", emptied: true },
      { before: "77563713", lostPods: 7 },
    ],
    networkDifferences: { [NO_EMPTY_DNS]: 24, [IP_VERSION]: 13, [OWN_NAMES]: 20 },
    nativeDifferences: { [NO_EMPTY_DNS]: 24, [IP_VERSION]: 13, [NO_IFB]: 1, [OWN_NAMES]: 14 },
    ipamDifferences: { [NO_EMPTY_DNS]: 11 },
    bridges: ["cri0", "cri1"],
    extras: { hostPorts: 2, limits: 1 },
  },
];

/** Changes that turn a captured result into ours, by what differs. */
const KNOWN_DIFFERENCES: Readonly<
  Record<string, (captured: CapturedResult, ours: CapturedResult) => CapturedResult>
> = {
  [NO_EMPTY_DNS]: ({ dns, ...captured }, ours) =>
    dns && Object.keys(dns).length === 0 && !ours.dns
      ? captured
      : { ...captured, ...dns && { dns } },
  [IP_VERSION]: ({ ips = [], ...captured }) => ({
    ...captured,
    ips: ips.map((ip) =>
      captured.cniVersion === "0.3.1" && !ip.version
        ? { ...ip, version: ip.address.includes(":") ? "6" : "4" }
        : ip
    ),
  }),
  [NO_IFB]: (captured, { interfaces: own }) => {
    const { interfaces } = captured;
    if (!interfaces || interfaces.length === own?.length) return captured;
    return { ...captured, interfaces: interfaces.filter(({ name }) => !/^bwp/.test(name)) };
  },
  [OWN_NAMES]: ({ interfaces, ...captured }, ours) => ({
    ...captured,
    ...interfaces && { interfaces: interfaces.map((link, at) => ownNames(link, ours, at)) },
  }),
};

/** Names under which we stand in for the plugins that were called. */
const OUR_NAMES: Readonly<Record<string, string>> = {
  loopback: "loopback",
  bridge: "headcni",
  "host-local": "headcni-ipam",
};

/** The bridge of the captures had the kernel's MTU, which no configuration of theirs names. */
const CAPTURED_MTU_BYTES = 1500;

for (const session of SESSIONS) {
  const recorded = `recorded session of ${session.name}`;
  testUnless(missingDebian(), `headcni: stands in for bridge in the ${recorded}`, async () => {
    await using replay = await Replay.open(session);
    for (const call of replay.calls.filter(({ plugin }) => plugin !== "host-local")) {
      await replay.send(call);
    }
    assertEquals(replay.differences, session.networkDifferences);
    await replay.expectNothingLeft(session.bridges);
  });
  testUnless(
    missingDebian(),
    `headcni: stands in for bridge, portmap and bandwidth in the ${recorded}`,
    async () => {
      await using replay = await Replay.open(session);
      const doneByUs = replay.takeOver(["portmap", "bandwidth"]);
      for (const call of doneByUs.filter(({ plugin }) => plugin !== "host-local")) {
        await replay.send(call);
      }
      assertEquals(replay.differences, session.nativeDifferences);
      assertEquals(replay.extras, session.extras);
      await replay.expectNothingLeft(session.bridges);
    },
  );
  testUnless(
    missingDebian(),
    `headcni-ipam: stands in for host-local in the ${recorded}`,
    async () => {
      await using replay = await Replay.open(session);
      for (const call of replay.calls.filter(({ plugin }) => plugin === "host-local")) {
        await replay.send(call);
      }
      assertEquals(replay.differences, session.ipamDifferences);
      await replay.expectNothingLeft([]);
    },
  );
}

/** One pass through a session, against a store and namespaces of its own. */
class Replay implements AsyncDisposable {
  readonly calls: readonly CapturedCall[];
  /** How often each known difference was met. */
  readonly differences: Record<string, number> = {};
  /** How many host ports of ours led to a pod, and how many pods had limits of ours. */
  readonly extras = { hostPorts: 0, limits: 0 };
  readonly #node: TestNode;
  readonly #session: Session;
  /** By the recorded paths of their namespaces. */
  readonly #pods = new Map<string, TestNetns>();
  readonly #results = new Map<string, unknown>();
  /** The latest store of each network that does not use the first. */
  readonly #stores = new Map<string, string>();

  private constructor(session: Session, calls: CapturedCall[], node: TestNode) {
    this.#session = session;
    this.calls = calls;
    this.#node = node;
  }

  static async open(session: Session): Promise<Replay> {
    const calls = await readCapture(session.name);
    const node = await TestNode.make();
    const replay = new Replay(session, calls, node);
    await Deno.mkdir(`${node.root}/bin`);
    for (const name of Object.values(OUR_NAMES)) {
      await Deno.symlink(node.plugin, `${node.root}/bin/${name}`);
    }
    return replay;
  }

  /**
   * The calls without those of plugins whose work we do: what the runtime sent them goes to us, with
   * the call of bridge for the same attachment.
   */
  takeOver(plugins: readonly string[]): CapturedCall[] {
    const sent = new Map<string, Record<string, unknown>>();
    for (const call of this.calls.filter(({ plugin }) => plugins.includes(plugin))) {
      const known = sent.get(attachmentOf(call));
      sent.set(attachmentOf(call), { ...known, ...call.stdin.runtimeConfig });
    }
    return this.calls.filter(({ plugin }) => !plugins.includes(plugin)).map((call) => {
      const runtimeConfig = sent.get(attachmentOf(call)) ?? {};
      const isOurs = call.plugin === "bridge" && Object.keys(runtimeConfig).length > 0;
      return isOurs ? { ...call, stdin: { ...call.stdin, runtimeConfig } } : call;
    });
  }

  /** Sends one call, and holds the answer and the pod against what was recorded. */
  async send(call: CapturedCall): Promise<void> {
    const { CNI_COMMAND: verb = "" } = call.env;
    if (verb === "ADD") await this.#closeGap(call);
    const answer = await this.#ask(call);
    assertEquals(answer.code, call.rc, `${describeCall(call)}: ${answer.stdout}${answer.stderr}`);
    if (verb === "VERSION") assertSpeaks(answer, call);
    if (verb === "ADD") await this.#compareAdd(call, answer);
    if (verb === "DEL") await this.#compareDel(call, answer);
  }

  /** No lease, no link of a pod, no rule of a pod. */
  async expectNothingLeft(bridges: readonly string[]): Promise<void> {
    for (const network of new Set(this.calls.map(({ stdin }) => stdin.name))) {
      assertEquals(await this.#attachments(network), []);
    }
    for (const pod of this.#pods.values()) {
      assertEquals((await pod.ip("link", "show")).map(({ ifname }) => ifname), ["lo"]);
    }
    const links = await this.#node.host.ip("link", "show");
    assertEquals(links.map(({ ifname }) => ifname).sort(), [...bridges, "lo"].sort());
    const ruleset = await this.#node.host.run("nft", "list", "ruleset");
    const pods = this.calls.flatMap(({ stdout }) => stdout?.ips ?? []);
    for (const { address } of pods) {
      const [ip = ""] = address.split("/");
      assert(ip.startsWith("127.") || !words(ruleset).includes(ip), `${ip} is left in\n${ruleset}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }

  async #ask(call: CapturedCall): Promise<ProgramOutcome> {
    const { plugin, env, stdin } = call;
    const netns = await this.#netnsPath(env.CNI_NETNS ?? "");
    const own = OUR_NAMES[plugin];
    const { ipam, prevResult, ...config } = stdin;
    return await this.#node.call({
      verb: env.CNI_COMMAND ?? "",
      plugin: own ? `${this.#node.root}/bin/${own}` : `${DEBIAN_PLUGINS}/${plugin}`,
      env: { ...env, CNI_NETNS: netns },
      config: {
        ...config,
        ...plugin === "bridge" && ipam && { type: "headcni", mtu: CAPTURED_MTU_BYTES },
        ...ipam && {
          ipam: { ...ipam, type: "headcni-ipam", dataDir: this.#storeOf(config.name) },
        },
        ...prevResult !== undefined && { prevResult: this.#results.get(attachmentOf(call)) },
      },
    });
  }

  /** A recorded path of a namespace as a path of one of ours; other text stays. */
  async #netnsPath(recorded: string): Promise<string> {
    if (!recorded.startsWith("@netns/")) return recorded;
    const known = this.#pods.get(recorded);
    if (known) return known.path;
    const made = await this.#node.makePod();
    this.#pods.set(recorded, made);
    return made.path;
  }

  #storeOf(network: string): string {
    return this.#stores.get(network) ?? `${this.#node.root}/store`;
  }

  /** What `headcni status` lists of the store that a network uses. */
  async #attachments(network: string): Promise<unknown[]> {
    const { stdout } = await runProgram({
      executable: this.#node.plugin,
      args: ["status", "--store", this.#storeOf(network), "--output", "json"],
      env: { HEADCNI_RUN_DIR: `${this.#node.root}/run` },
    });
    return JSON.parse(stdout).stores[0].attachments;
  }

  /** Does what was done in the recorded session without being recorded. */
  async #closeGap({ plugin, env, stdin }: CapturedCall): Promise<void> {
    const { before, lostPods = 0, emptied = false } = this.#session.gaps
      .find((gap) => env.CNI_CONTAINERID?.startsWith(gap.before)) ?? {};
    if (!before || !stdin.ipam) return;
    if (emptied) {
      assertEquals(await this.#attachments(stdin.name), []);
      this.#stores.set(stdin.name, `${this.#node.root}/emptied`);
    }
    for (let lost = 0; lost < lostPods; lost++) {
      const pod = { ...env, CNI_CONTAINERID: `lost${lost}`, CNI_ARGS: "" };
      for (const verb of ["ADD", "DEL"]) {
        const call = { plugin: "host-local", env: { ...pod, CNI_COMMAND: verb }, stdin };
        assertEquals((await this.#ask({ ...call, stdout: null, rc: 0 })).code, 0, plugin);
      }
    }
  }

  async #compareAdd(call: CapturedCall, { stdout: text }: ProgramOutcome): Promise<void> {
    const { plugin, env, stdout } = call;
    assert(stdout, describeCall(call));
    const ours: CapturedResult = JSON.parse(text);
    this.#results.set(attachmentOf(call), ours);
    const netns = await this.#netnsPath(env.CNI_NETNS ?? "");
    let wanted: CapturedResult = JSON.parse(
      JSON.stringify(stdout).replaceAll(env.CNI_NETNS ?? "", netns),
    );
    for (const [name, rewrite] of Object.entries(KNOWN_DIFFERENCES)) {
      const rewritten = rewrite(wanted, ours);
      if (equal(rewritten, wanted)) continue;
      this.differences[name] = (this.differences[name] ?? 0) + 1;
      wanted = rewritten;
    }
    assertEquals(ours, wanted, describeCall(call));
    const [, mac] = /MAC=([^;]*)/.exec(env.CNI_ARGS ?? "") ?? [];
    if (mac) assertEquals(ours.interfaces?.at(-1)?.mac, mac);
    if (plugin === "bridge") assertEquals(await this.#observe(env), expectedPod(stdout));
    if (plugin === "bridge") await this.#observeExtras(call, stdout);
    if (plugin === "loopback") assert(await this.#isLoopbackUp(env));
  }

  /** Counts the host ports that lead to the pod by what nft(8) lists, and its limits by tc(8). */
  async #observeExtras({ env, stdin }: CapturedCall, { ips = [] }: CapturedResult): Promise<void> {
    const { host } = this.#node;
    for (const [hostPort, port] of hostPortsOf(stdin)) {
      const ruleset = await host.run("nft", "list", "table", "inet", "headcni");
      for (const { address } of ips) {
        const target = RegExp.escape(address.split("/")[0] ?? "");
        assertMatch(
          ruleset,
          new RegExp(` \\. ${hostPort} comment "\\w+" : ${target} \\. ${port} `),
        );
        this.extras.hostPorts++;
      }
    }
    if (!stdin.runtimeConfig?.bandwidth) return;
    const { CNI_CONTAINERID: containerId = "", CNI_IFNAME: ifname = "" } = env;
    const key = { network: stdin.name, containerId, ifname };
    const queues = await host.run("tc", "qdisc", "show");
    for (const link of [hostLinkName(key), ifbName(key)]) {
      assertMatch(queues, new RegExp(`qdisc tbf \\S+ dev ${link} `));
    }
    this.extras.limits++;
  }

  async #compareDel(call: CapturedCall, { stdout: text }: ProgramOutcome): Promise<void> {
    assertEquals(text, "", describeCall(call));
    if (call.env.CNI_NETNS === "") return;
    if (call.plugin === "bridge") assertEquals(await this.#observe(call.env), undefined);
    if (call.plugin === "loopback") assert(!await this.#isLoopbackUp(call.env));
  }

  async #observe(env: CapturedCall["env"]): Promise<PodState | undefined> {
    const pod = this.#pods.get(env.CNI_NETNS ?? "");
    return pod && await observePod(pod, env.CNI_IFNAME ?? "");
  }

  async #isLoopbackUp(env: CapturedCall["env"]): Promise<boolean> {
    const pod = this.#pods.get(env.CNI_NETNS ?? "");
    return JSON.stringify(await pod?.ip("link", "show", "lo", "up")).includes("LOOPBACK");
  }
}

/** What a pod has that was told this result: its routes go by the gateway of their family. */
function expectedPod({ ips = [], routes = [] }: CapturedResult): PodState {
  const gateways = new Map(ips.map(({ gateway = "" }) => [gateway.includes(":"), gateway]));
  return {
    mtuBytes: CAPTURED_MTU_BYTES,
    addresses: ips.map(({ address }) => address).sort(),
    routes: [
      ...ips.map(({ address }) => formatPrefix(networkOf(parsePrefix(address)))),
      ...routes.map(({ dst }) => `${dst} via ${gateways.get(dst.includes(":"))}`),
    ].sort(),
  };
}

/** The interface with the MAC of ours, and our name if it is a veth of the host. */
function ownNames(link: CapturedInterface, ours: CapturedResult, at: number): CapturedInterface {
  const own = ours.interfaces?.[at];
  assertNotEquals(own, undefined, `interface ${at}`);
  return {
    ...link,
    ...link.name.startsWith("veth") && own?.name.startsWith("veth") && { name: own.name },
    ...own?.mac && { mac: own.mac },
  };
}

/** Every version that the other plugin speaks. */
function assertSpeaks({ stdout: text }: ProgramOutcome, { stdout }: CapturedCall): void {
  const { supportedVersions }: CapturedResult = JSON.parse(text);
  const missing = stdout?.supportedVersions?.filter((each) => !supportedVersions?.includes(each));
  assertEquals(missing, []);
}

function words(text: string): string[] {
  return text.split(/[\s,{}"/]+/);
}
