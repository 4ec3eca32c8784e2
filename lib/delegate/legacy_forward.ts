/** Lets the pods' packets pass in a firewall of ip_tables, by the host's own iptables. */
import { HeadcniError } from "../errors.ts";
import { log } from "../log.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
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

const DEADLINE_MS = 5_000;
/** Others hold the lock of ip_tables for a moment; iptables(8), `--wait`. */
const WAIT = ["-w", "2"];

/**
 * Makes chain FORWARD of ip_tables, where its policy drops, let those packets pass that come from pods
 * or go to them. Where nobody uses ip_tables nothing is run; where iptables is missing that is logged
 * once, for a table is there as soon as somebody has listed it.
 * @param podCidrs networks of the pods of this node; none take all of ours away.
 * @param places others than those of a node, for tests.
 * @returns the changes as lines of `iptables-restore`; none when all was as wanted.
 * @throws HeadcniError `firewall-failure` when iptables fails.
 */
export async function setLegacyForward(
  podCidrs: readonly Prefix[],
  { executables, tableLists }: LegacyPlaces = PLACES,
): Promise<string[]> {
  const changes: string[] = [];
  for (const family of FAMILIES) {
    if (!await hasFilterTable(tableLists[family])) continue;
    const executable = await findExecutable(executables[family]);
    if (!executable) continue;
    try {
      changes.push(...await setFamily(executable, family, podCidrs));
    } catch (error) {
      found.delete(executables[family]); // it may have been removed
      throw error;
    }
  }
  return changes;
}

async function setFamily(
  executable: string,
  family: Family,
  podCidrs: readonly Prefix[],
): Promise<string[]> {
  const forward = await list(executable, "FORWARD");
  if (!forward) throw failure(executable, "it has no chain FORWARD");
  const ours = await list(executable, FORWARD_CHAIN);
  const lines = planLegacyForward(family, podCidrs, { forward, ours });
  if (lines.length === 0) return [];
  const restore = `${executable}-restore`;
  const outcome = await runTool(restore, ["--noflush", ...WAIT], lines.join("\n") + "\n");
  if (outcome.code !== 0) throw failure(restore, outcome.stderr.trim());
  return lines.slice(1, -1);
}

/** The lines of a chain; undefined when there is none: exit 1, iptables(8). */
async function list(executable: string, chain: string): Promise<string[] | undefined> {
  const outcome = await runTool(executable, [...WAIT, "-S", chain]);
  if (outcome.code === 1) return undefined;
  if (outcome.code !== 0) throw failure(executable, outcome.stderr.trim());
  return outcome.stdout.trim().split("\n");
}

/** What was found for those names; undefined when nothing was, and that was told. */
const found = new Map<readonly string[], string | undefined>();

/** `iptables` itself is the newer one on most nodes, and says so. */
async function findExecutable(names: readonly string[]): Promise<string | undefined> {
  const known = found.get(names);
  if (known) return known;
  for (const name of names) {
    const outcome = await runTool(name, ["--version"]).catch(() => undefined);
    if (outcome?.code !== 0 || outcome.stdout.includes("nf_tables")) continue;
    found.set(names, name);
    return name;
  }
  if (!found.has(names)) {
    log.warn(
      `Cannot let pods pass in the node's firewall by "${names.join(" or ")}": ` +
        'table "filter" of ip_tables is in use, but none of them is there for it; ' +
        "install one if its chain FORWARD drops",
    );
  }
  found.set(names, undefined);
  return undefined;
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
