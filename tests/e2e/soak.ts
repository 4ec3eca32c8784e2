/**
 * A node under its daemon while pods come and go: what leaks, grows or goes wrong with time shows
 * here, and not in tests that look at one call.
 */
import { pause } from "../../lib/pause.ts";
import { pick, type SeededRandom } from "../fakes/seeded_random.ts";
import { type LogLine, TestDaemon } from "../netns/daemon.ts";
import { readNetwork } from "../netns/installed_plugin.ts";
import type { TestNetns } from "../netns/namespace.ts";
import { type NetworkConfig, TestNode } from "../netns/plugin.ts";
import { type ProcessUse, processUse } from "../netns/process_use.ts";

/** How long and how hard. */
export interface SoakOptions {
  readonly seconds: number;
  /** ADDs a second, and as many DELs. */
  readonly pairsPerSecond: number;
  readonly random: SeededRandom["random"];
  /** Called each second, with calls so far. */
  onSecond?(calls: number, use: ProcessUse): void;
}

/** What was seen. */
export interface SoakReport {
  readonly calls: number;
  readonly elapsedMs: number;
  /** Of the daemon, about one a second. */
  readonly uses: readonly ProcessUse[];
  /** Calls that failed, exit codes other than 0, and what the logs have above `info`. */
  readonly faults: readonly string[];
  /** Links, leases, attachments and ports that were left when every pod was gone. */
  readonly left: readonly string[];
}

/** Namespaces that pods come and go in. */
const PODS = 24;
/** Calls at once: as kubelet, which asks for several pods at a time. */
const MAX_ONGOING = 6;

/** Runs it on a node of its own, which is removed. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  await using node = await TestNode.make();
  await using daemon = await TestDaemon.start(node, { settings: { logging: { level: "info" } } });
  const config = await readNetwork(node);
  const pods = await Promise.all(Array.from({ length: PODS }, () => node.makePod()));
  const places = pods.map((pod) => new Place(node, pod, config));
  const uses: ProcessUse[] = [];
  const begin = performance.now();
  const calls = await drive(places, options, (calls) => {
    const use = processUse(daemon.pid);
    uses.push(use);
    options.onSecond?.(calls, use);
  });
  const elapsedMs = performance.now() - begin;
  for (const place of places) await place.empty();
  const { code } = await daemon.end();
  return {
    calls,
    elapsedMs,
    uses,
    faults: [
      ...places.flatMap(({ faults }) => faults),
      ...code === 0 ? [] : [`the daemon ended with ${code}`],
      ...[...daemon.lines, ...await pluginLog(node)]
        .filter(({ level }) => level !== "info" && level !== "debug")
        .map((line) => JSON.stringify(line)),
    ],
    left: [
      ...(await node.storeText()).split("\n").filter((line) => line !== ""),
      ...await veths(node),
    ],
  };
}

/** Where one pod after the other comes and goes. */
class Place {
  readonly faults: string[] = [];
  readonly #node: TestNode;
  readonly #pod: TestNetns;
  readonly #config: NetworkConfig;
  #isTaken = false;
  isBusy = false;

  constructor(node: TestNode, pod: TestNetns, config: NetworkConfig) {
    this.#node = node;
    this.#pod = pod;
    this.#config = config;
  }

  /** ADD where no pod is, else DEL. */
  async call(): Promise<void> {
    this.isBusy = true;
    const verb = this.#isTaken ? "DEL" : "ADD";
    const call = { verb, config: this.#config, pod: this.#pod };
    const { code, stdout, stderr } = await this.#node.call(call);
    if (code !== 0 || stderr !== "") this.faults.push(`${verb}: ${code} ${stdout} ${stderr}`);
    else this.#isTaken = !this.#isTaken;
    this.isBusy = false;
  }

  async empty(): Promise<void> {
    if (this.#isTaken) await this.call();
  }
}

/** Calls at the rate that is asked for, as far as the machine keeps up; answers how many. */
async function drive(
  places: readonly Place[],
  { seconds, pairsPerSecond, random }: SoakOptions,
  onSecond: (calls: number) => void,
): Promise<number> {
  const spacingMs = 500 / pairsPerSecond;
  const ongoing = new Set<Promise<void>>();
  const begin = performance.now();
  let calls = 0;
  for (let second = 0; second < seconds;) {
    const idle = places.filter(({ isBusy }) => !isBusy);
    const call = pick(random, idle).call();
    ongoing.add(call);
    call.finally(() => ongoing.delete(call));
    calls++;
    if (ongoing.size >= MAX_ONGOING) await Promise.race(ongoing);
    const aheadMs = begin + calls * spacingMs - performance.now();
    if (aheadMs > 0) await pause(aheadMs);
    if (performance.now() - begin >= (second + 1) * 1000) {
      onSecond(calls);
      second = Math.floor((performance.now() - begin) / 1000);
    }
  }
  await Promise.all(ongoing);
  return calls;
}

async function veths({ host }: TestNode): Promise<string[]> {
  const links = await host.ip("link", "show", "type", "veth");
  return links.flatMap(({ ifname }) => typeof ifname === "string" ? [`link ${ifname}`] : []);
}

async function pluginLog({ root }: TestNode): Promise<LogLine[]> {
  const text = await Deno.readTextFile(`${root}/plugin.log`).catch(() => "");
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
