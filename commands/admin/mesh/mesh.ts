/** `headcni mesh`: how pods of this node and of others reach each other. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { addCheck } from "./check.ts";
import { addJoin, addLeave } from "./leave.ts";
import { addPeers } from "./peers.ts";
import { addPolicy } from "./policy.ts";
import { addRoutes } from "./routes.ts";
import { addStatus } from "./status.ts";
import { addWhois } from "./whois.ts";

/** Defines the subcommand and its verbs. */
export function define(mesh: Command, env: Environment): void {
  mesh.usage("SUBCOMMAND [OPTIONS]");
  const looks = [addStatus, addPeers, addWhois, addRoutes, addCheck];
  for (const add of [...looks, addPolicy, addLeave, addJoin]) add(mesh, env);
}
