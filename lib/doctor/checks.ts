/** All checks, in the order in which they are told. */
import type { Check } from "./check.ts";
import { DAEMON_CHECKS } from "./daemon_checks.ts";
import { DATAPATH_CHECKS } from "./datapath_checks.ts";
import { FIREWALL_CHECKS } from "./firewall_checks.ts";
import { KERNEL_CHECKS } from "./kernel_checks.ts";
import { MESH_CHECKS } from "./mesh_checks.ts";
import { POD_NETWORK_CHECKS } from "./pod_network_checks.ts";
import { RUNTIME_CHECKS } from "./runtime_checks.ts";
import { SERVICES_CHECKS } from "./services_checks.ts";
import { STORE_CHECKS } from "./store_checks.ts";

/** Those of a group stand together. */
export const CHECKS: readonly Check[] = [
  ...DAEMON_CHECKS,
  ...RUNTIME_CHECKS,
  ...POD_NETWORK_CHECKS,
  ...STORE_CHECKS,
  ...DATAPATH_CHECKS,
  ...KERNEL_CHECKS,
  ...FIREWALL_CHECKS,
  ...MESH_CHECKS,
  ...SERVICES_CHECKS,
];

/** The checks of some ids or groups; all for none. */
export function selectChecks(names: readonly string[]): readonly Check[] {
  if (names.length === 0) return CHECKS;
  return CHECKS.filter(({ id, group }) => names.includes(id) || names.includes(group));
}

/** What {@linkcode selectChecks} takes. */
export function checkNames(): string[] {
  return [...new Set(CHECKS.flatMap(({ id, group }) => [id, group]))];
}
