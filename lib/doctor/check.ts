/** One check: what it looks at, how it judges, and where README tells more. */
import { type Finding, skip } from "./finding.ts";
import type { DoctorSights, Looks, SightName } from "./sight.ts";

/** Checks that belong together for people. */
export type Group =
  | "daemon"
  | "runtime"
  | "pod-network"
  | "store"
  | "kernel"
  | "firewall"
  | "mesh"
  | "other-programs";

/**
 * What `--fix` can do: one turn over the node as the daemon makes it, freeing what dead pods left, and
 * writing what waits for the store.
 */
export type Remedy = "turn" | "leases" | "store";

/** What is known of a check without looking at a node. */
export interface CheckRow {
  /** Stays the same from release to release. */
  readonly id: string;
  readonly group: Group;
  /** What it is about, for people. */
  readonly title: string;
  /** The heading of README that tells more, as a link's fragment. */
  readonly anchor: string;
  /** What `--fix` does about it; undefined when that is for a person to do. */
  readonly remedy: Remedy | undefined;
}

/** A check. */
export interface Check extends CheckRow {
  readonly sees: SightName;
  judge(looks: Looks): Finding;
}

/** A check with its finding. */
export interface Judged extends CheckRow, Finding {}

/** A line of a table of checks, which all see the same. */
export type Row<Sight> = readonly [
  id: string,
  title: string,
  anchor: string,
  judge: (sight: Sight) => Finding,
  remedy?: Remedy,
];

/** The checks of a table. What could not be looked at is no reason to call it good or bad. */
export function checksOf<Name extends SightName>(
  group: Group,
  sees: Name,
  rows: readonly Row<DoctorSights[Name]>[],
): Check[] {
  return rows.map(([id, title, anchor, judge, remedy]) => ({
    ...{ id, group, title, anchor, remedy, sees },
    judge(looks) {
      const look = looks[sees];
      if (look === undefined) return skip("it was not looked at");
      return "blind" in look ? skip(look.blind) : judge(look.saw);
    },
  }));
}

/** Judges what was seen, check by check. */
export function judgeChecks(checks: readonly Check[], looks: Looks): Judged[] {
  return checks.map((check) => {
    const { id, group, title, anchor, remedy } = check;
    return { id, group, title, anchor, remedy, ...check.judge(looks) };
  });
}
