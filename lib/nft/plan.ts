import {
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  type Change,
  removeElements,
  removeRule,
} from "./change.ts";
import { coverIntervals, type Interval } from "./interval.ts";
import { NF_ACCEPT } from "./nf_tables.ts";
import type { KernelChain, KernelRule } from "./query.ts";
import { isSameProgram } from "./statement.ts";
import { type Chain, HOOK_NUMBERS, type IntervalSet, type Rule, type Table } from "./table.ts";

/** What the kernel has of the sets and chains that are wanted; what is absent is not in the maps. */
export interface TableState {
  readonly sets: ReadonlyMap<string, readonly Interval[]>;
  readonly chains: ReadonlyMap<string, KernelChain>;
  /** Rules by chain. */
  readonly rules: ReadonlyMap<string, readonly KernelRule[]>;
}

/**
 * The changes that make our table hold what is wanted, none when it does. What else is there stays:
 * elements that others put into our sets, and rules without a comment of ours. A rule of ours is
 * known by its comment; it is replaced when it does something else, and doubles are removed.
 */
export function planTable(want: Table, have: TableState): Change[] {
  const changes = [
    ...want.sets.flatMap((set) => planSet(set, have.sets.get(set.name))),
    ...want.chains.flatMap((chain) => planChain(chain, have)),
  ];
  return changes.length === 0 ? [] : [addTable(), ...changes];
}

function planSet(want: IntervalSet, have: readonly Interval[] | undefined): Change[] {
  const { remove, add } = coverIntervals(want.intervals, have ?? []);
  return [
    ...have ? [] : [addSet(want)],
    ...remove.length > 0 ? [removeElements(want, remove)] : [],
    ...add.length > 0 ? [addElements(want, add)] : [],
  ];
}

function planChain(want: Chain, have: TableState): Change[] {
  const rules = have.rules.get(want.name) ?? [];
  return [
    ...isSameChain(want, have.chains.get(want.name)) ? [] : [addChain(want)],
    ...want.rules.flatMap((rule) => planRule(want, rule, rules)),
  ];
}

function planRule(chain: Chain, want: Rule, have: readonly KernelRule[]): Change[] {
  const ours = have.filter(({ comment }) => comment === want.comment);
  const keep = ours.find(({ expressions }) => isSameProgram(want.statements, expressions));
  const surplus = ours.filter((rule) => rule !== keep);
  return [
    ...surplus.map(({ handle }) => removeRule(chain, handle)),
    ...keep ? [] : [addRule(chain, want)],
  ];
}

function isSameChain(want: Chain, have: KernelChain | undefined): boolean {
  return have?.type === want.type && have.hook === HOOK_NUMBERS[want.hook] &&
    have.priority === want.priority && have.policy === NF_ACCEPT;
}
