/** `headcni mesh`: how pods of this node and of others reach each other. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { addCheck } from "./check.ts";
import { addJoin, addLeave } from "./leave.ts";
import { addPeers } from "./peers.ts";
import { addPolicy } from "./policy.ts";
import { addRoutes } from "./routes.ts";
import { addStatus } from "./status.ts";

/** Defines the subcommand and its verbs. */
export function define(mesh: Command, env: Environment): void {
  mesh.usage("SUBCOMMAND [OPTIONS]");
  for (const add of [addStatus, addPeers, addRoutes, addCheck, addPolicy, addLeave, addJoin]) {
    add(mesh, env);
  }
}
