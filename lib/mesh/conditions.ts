/** What has to be so for a pod here and a pod of another node to reach each other. */
import type { Finding } from "./finding.ts";
import { judgeAnswer, judgeKey, judgeState, judgeTun } from "./judge_login.ts";
import { judgeAccepted, judgeAccepting, judgeServing } from "./judge_routes.ts";
import {
  judgeAddresses,
  judgeFilters,
  judgeForwarding,
  judgeSource,
  judgeStateful,
} from "./judge_traffic.ts";
import type { MeshFacts } from "./mesh_facts.ts";

/** 0 comes before all others; the others as packets meet them. */
export type ConditionNumber = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** A condition, judged. */
export interface Condition extends Finding {
  readonly number: ConditionNumber;
  /** Stays the same from release to release. */
  readonly id: string;
  /** What it is about, for people. */
  readonly title: string;
}

/** All conditions, in their order; several have the number 0. */
export function judgeMesh(facts: MeshFacts): Condition[] {
  return CONDITIONS.map(([number, id, title, judge]) => ({ number, id, title, ...judge(facts) }));
}

/** All conditions without a judgement, in their order. */
export function listConditions(): Pick<Condition, "number" | "id" | "title">[] {
  return CONDITIONS.map(([number, id, title]) => ({ number, id, title }));
}

type Row = readonly [
  number: ConditionNumber,
  id: string,
  title: string,
  judge: (facts: MeshFacts) => Finding,
];

const CONDITIONS: readonly Row[] = [
  [0, "tailscaled", "tailscaled", judgeAnswer],
  [0, "device", "network device of tailscaled", judgeTun],
  [0, "login", "login to the tailnet", judgeKey],
  [0, "state", "state of tailscaled", judgeState],
  [1, "accept-routes", "routes of others", judgeAccepting],
  [2, "routes-served", "routes to pods here", judgeServing],
  [3, "routes-accepted", "routes to pods elsewhere", judgeAccepted],
  [4, "source-accepted", "pods here as senders", judgeSource],
  [5, "packet-filters", "packet filters", judgeFilters],
  [6, "own-addresses", "addresses of pods", judgeAddresses],
  [7, "forwarding", "forwarding and MTU", judgeForwarding],
  [8, "stateful-filtering", "stateful filtering", judgeStateful],
];
