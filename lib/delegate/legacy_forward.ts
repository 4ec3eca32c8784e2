/** Lets the pods' packets pass in a firewall of ip_tables, by the host's own iptables. */
import { HeadcniError } from "../errors.ts";
import { log } from "../log.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import { equalPrefixSets, type Prefix } from "../net/prefix.ts";
import { planLegacyForward } from "../node/legacy_forward.ts";
import { FORWARD_CHAIN } from "../nft/forward_accept.ts";
import { type ChildOutcome, runChild } from "./child.ts";

/** Where ip_tables is found, by family. */
export interface LegacyPlaces {
  /** Names of the executables, the one that can be nothing else first. */
  readonly executables: Readonly<Record<Family, readonly string[]>>;
  /** Lists the tables of ip_tables that are in use; reading it makes none. */
  readonly tableLists: Readonly<Record<Family, string>>;
}

const PLACES: LegacyPlaces = {
  executables: {
    4: ["iptables-legacy", "iptables"],
    6: ["ip6tables-legacy", "ip6tables"],
  },
  tableLists: { 4: "/proc/self/net/ip_tables_names", 6: "/proc/self/net/ip6_tables_names" },
};

const NONE = 'table "filter" of ip_tables is in use, but none of them is there for it; ' +
  "install one if its chain FORWARD drops";
const DEADLINE_MS = 5_000;
/** Others hold the lock of ip_tables for a moment; iptables(8), `--wait`. */
const WAIT = ["-w", "2"];

/**
 * How long an answer of ip_tables holds, in milliseconds: each question starts a process, and the kernel
 * does not tell of its changes.
 */
const ASK_AGAIN_MS = 120_000;

/** How it is asked, if not as on a node. */
export interface LegacyOptions {
  readonly places?: LegacyPlaces;
  /** Milliseconds since any moment, by a clock that nobody sets. */
  nowMs?(): number;
}

/** What was as it should be, and when it was seen so. */
interface Settled {
  readonly podCidrs: readonly Prefix[];
  readonly atMs: number;
}

/**
 * Makes chain FORWARD of ip_tables, where its policy drops, let those packets pass that come from pods
 * or go to them.
 */
export class LegacyForward {
  readonly #places: LegacyPlaces;
  readonly #nowMs: () => number;
  /** By family; null where nothing was found, and that was told. */
  readonly #executables = new Map<Family, string | null>();
  readonly #settled = new Map<Family, Settled>();

  constructor({ places = PLACES, nowMs = () => performance.now() }: LegacyOptions = {}) {
    this.#places = places;
    this.#nowMs = nowMs;
  }

  /**
   * Sets it. Where nobody uses ip_tables nothing is run, nor where all was as wanted a moment ago; where
   * iptables is missing that is logged once, for a table is there as soon as somebody has listed it.
   * @param podCidrs networks of the pods of this node; none take all of ours away.
   * @returns the changes as lines of `iptables-restore`; none when all was as wanted.
   * @throws HeadcniError `firewall-failure` when iptables fails.
   */
  async set(podCidrs: readonly Prefix[]): Promise<string[]> {
    const changes: string[] = [];
    for (const family of FAMILIES) changes.push(...await this.#setFamily(family, podCidrs));
    return changes;
  }

  /**
   * What {@linkcode set} would do.
   * @throws HeadcniError `firewall-failure` when iptables fails, or is missing for tables that are in use.
   */
  async plan(podCidrs: readonly Prefix[]): Promise<string[]> {
    const lines: string[] = [];
    for (const family of FAMILIES) {
      if (!await hasFilterTable(this.#places.tableLists[family])) continue;
      const executable = await this.#findExecutable(family);
      if (executable === undefined) {
        throw failure(this.#places.executables[family].join(" or "), NONE);
      }
      lines.push(...await planFamily(executable, family, podCidrs));
    }
    return lines;
  }

  async #setFamily(family: Family, podCidrs: readonly Prefix[]): Promise<string[]> {
    const settled = this.#settled.get(family);
    this.#settled.delete(family);
    if (!await hasFilterTable(this.#places.tableLists[family])) return [];
    const atMs = this.#nowMs();
    if (
      settled && atMs - settled.atMs < ASK_AGAIN_MS && equalPrefixSets(settled.podCidrs, podCidrs)
    ) {
      this.#settled.set(family, settled);
      return [];
    }
    const executable = await this.#findExecutable(family);
    if (executable === undefined) {
      this.#tellMissing(family);
      return [];
    }
    try {
      const changes = await setFamily(executable, family, podCidrs);
      if (changes.length === 0) this.#settled.set(family, { podCidrs, atMs });
      return changes;
    } catch (error) {
      this.#executables.delete(family); // it may have been removed
      throw error;
    }
  }

  /** `iptables` itself is the newer one on most nodes, and says so. */
  async #findExecutable(family: Family): Promise<string | undefined> {
    const known = this.#executables.get(family);
    if (known) return known;
    const names = this.#places.executables[family];
    for (const name of names) {
      const outcome = await runTool(name, ["--version"]).catch(() => undefined);
      if (outcome?.code !== 0 || outcome.stdout.includes("nf_tables")) continue;
      this.#executables.set(family, name);
      return name;
    }
    return undefined;
  }

  #tellMissing(family: Family): void {
    if (this.#executables.get(family) === undefined) {
      log.warn(failure(this.#places.executables[family].join(" or "), NONE).message);
    }
    this.#executables.set(family, null);
  }
}

async function setFamily(
  executable: string,
  family: Family,
  podCidrs: readonly Prefix[],
): Promise<string[]> {
  const lines = await planFamily(executable, family, podCidrs);
  if (lines.length === 0) return [];
  const restore = `${executable}-restore`;
  const outcome = await runTool(restore, ["--noflush", ...WAIT], lines.join("\n") + "\n");
  if (outcome.code !== 0) throw failure(restore, outcome.stderr.trim());
  return lines.slice(1, -1);
}

async function planFamily(
  executable: string,
  family: Family,
  podCidrs: readonly Prefix[],
): Promise<string[]> {
  const forward = await list(executable, "FORWARD");
  if (!forward) throw failure(executable, "it has no chain FORWARD");
  const ours = await list(executable, FORWARD_CHAIN);
  return planLegacyForward(family, podCidrs, { forward, ours });
}

/** The lines of a chain; undefined when there is none: exit 1, iptables(8). */
async function list(executable: string, chain: string): Promise<string[] | undefined> {
  const outcome = await runTool(executable, [...WAIT, "-S", chain]);
  if (outcome.code === 1) return undefined;
  if (outcome.code !== 0) throw failure(executable, outcome.stderr.trim());
  return outcome.stdout.trim().split("\n");
}

function runTool(name: string, args: readonly string[], stdin = ""): Promise<ChildOutcome> {
  return runChild(name, { args, env: {}, stdin, deadlineMs: DEADLINE_MS });
}

async function hasFilterTable(tableList: string): Promise<boolean> {
  try {
    return (await Deno.readTextFile(tableList)).split("\n").includes("filter");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // the kernel has no ip_tables
    throw error;
  }
}

function failure(tool: string, seen: string): HeadcniError {
  return new HeadcniError(
    "firewall-failure",
    `Cannot let pods pass in the node's firewall by "${tool}": ${seen}`,
  );
}
