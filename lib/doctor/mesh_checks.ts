/** The tailnet: the conditions of traffic between pods of different nodes, and what may end it. */
import { listConditions } from "../mesh/conditions.ts";
import { type Check, checksOf, type Row } from "./check.ts";
import { failOn, type Finding, pass, skip, warn, warnOn } from "./finding.ts";
import type { MeshSight } from "./sight.ts";

const LOOK = "look-at-it";

/** The same conditions that the daemon and `headcni mesh check` judge. */
export const MESH_CHECKS: readonly Check[] = checksOf("mesh", "mesh", [
  ...listConditions().map(({ id, title }): Row<MeshSight> => [
    `mesh-${id}`,
    title,
    LOOK,
    (sight) => judgeCondition(id, sight),
  ]),
  ["mesh-conflicts", "no other node has our networks", LOOK, judgeConflicts],
  ["mesh-prefs", "other settings of tailscaled", LOOK, judgePrefs],
  ["mesh-key-expiry", "the node's key lasts", LOOK, judgeExpiry],
]);

function judgeCondition(wanted: string, { conditions }: MeshSight): Finding {
  const found = conditions.find(({ id }) => id === wanted);
  if (!found) return skip("it was not judged");
  const { verdict, evidence, fix } = found;
  return verdict === "unknown" ? { ...skip(evidence), fix } : { verdict, evidence, fix };
}

function judgeConflicts({ conflicts }: MeshSight): Finding {
  return failOn(conflicts, "do what the text says; headcni mesh peers", "none that is seen here");
}

function judgePrefs({ warnings }: MeshSight): Finding {
  return warnOn(warnings, "do what the text says", "none is in the way");
}

const DAY_MS = 86_400_000;
/** As soon as this a person should know. */
const SOON_MS = 7 * DAY_MS;

function judgeExpiry({ keyExpiryMs, nowMs }: MeshSight): Finding {
  if (keyExpiryMs === undefined) return pass("no end of it is known");
  const left = `it expires in ${Math.floor((keyExpiryMs - nowMs) / DAY_MS)} days`;
  return keyExpiryMs - nowMs >= SOON_MS ? pass(left) : warn(
    left,
    "give the node tags, or a key by which the daemon logs in again: tailscale.authKeyFile",
  );
}
