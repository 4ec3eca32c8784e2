import { parseAttributes, viewOf } from "../wire/attribute.ts";
import * as change from "./change.ts";
import { coverIntervals, type Interval, replaceIntervals } from "./interval.ts";
import { addMap } from "./map.ts";
import { NFTA_RULE_HANDLE } from "./nf_tables.ts";
import { type Rule, ruleTree, tagTree } from "./rule.ts";
import type { Chain, IntervalSet, Table } from "./table.ts";
import { matchesTree } from "./tree.ts";

/** What the kernel has of the sets and chains that are wanted, by name. */
export interface TableState {
  /** Absent sets are missing. */
  readonly sets: ReadonlyMap<string, readonly Interval[]>;
  /** The attributes of each rule, by chain; absent chains are missing or empty. */
  readonly rules: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** Whether sets may hold more than is wanted of them: a plugin knows of one network, the daemon of all. */
export type Extent = "at-least" | "exactly";

/**
 * The changes that make our table hold what is wanted; none when it does. What else is there stays:
 * rules without a comment of ours, and, unless the sets are wanted exactly, elements that others put
 * into them. A rule of ours is known by its comment; it is replaced when it does something else, and
 * doubles are removed.
 */
export function planTable(
  want: Table,
  have: TableState,
  extent: Extent = "at-least",
): change.Change[] {
  const sets = want.sets.flatMap((set) => planSet(set, have.sets.get(set.name), extent));
  const chains = want.chains.flatMap((chain) => planChain(chain, have.rules.get(chain.name) ?? []));
  // A map is there as long as a rule refers to it: the kernel lets nobody remove it.
  const maps = chains.length === 0 ? [] : want.maps.map(addMap);
  const changes = [...sets, ...maps, ...chains];
  return changes.length === 0 ? [] : [change.addTable(), ...changes];
}

function planSet(
  want: IntervalSet,
  have: readonly Interval[] | undefined,
  extent: Extent,
): change.Change[] {
  const diff = extent === "exactly" ? replaceIntervals : coverIntervals;
  const { remove, add } = diff(want.intervals, have ?? []);
  return [
    ...have ? [] : [change.addSet(want)],
    ...remove.length > 0 ? [change.removeElements(want, remove)] : [],
    ...add.length > 0 ? [change.addElements(want, add)] : [],
  ];
}

/** A chain that holds all our rules is there: the kernel keeps type and hook of one as they are. */
function planChain(want: Chain, have: readonly Uint8Array[]): change.Change[] {
  const changes = want.rules.flatMap((rule) => planRule(want, rule, have));
  return changes.length === 0 ? [] : [change.addChain(want), ...changes];
}

function planRule(chain: Chain, want: Rule, have: readonly Uint8Array[]): change.Change[] {
  const ours = have.filter((rule) => matchesTree(rule, tagTree(want)));
  const keep = ours.find((rule) => matchesTree(rule, ruleTree(want)));
  const surplus = ours.filter((rule) => rule !== keep);
  return [
    ...surplus.map((rule) => change.removeRule(chain, handleOf(rule))),
    ...keep ? [] : [change.addRule(chain, want)],
  ];
}

function handleOf(rule: Uint8Array): bigint {
  const handle = parseAttributes(rule).get(NFTA_RULE_HANDLE);
  return handle ? viewOf(handle).getBigUint64(0) : 0n;
}
