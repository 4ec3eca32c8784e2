/** `headcni mesh`: how pods of this node and of others reach each other. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { addCheck } from "./check.ts";
import { addJoin, addLeave } from "./leave.ts";
import { addPeers } from "./peers.ts";
import { addPolicy } from "./policy.ts";
import { addRoutes } from "./routes.ts";
import { addStatus } from "./status.ts";

/** Adds the subcommand `mesh` and its verbs. */
export function addMesh(program: Command, env: Environment): void {
  const mesh = program.command("mesh")
    .usage("SUBCOMMAND [OPTIONS]")
    .description("tell how pods of other nodes are reached, and change that");
  for (const add of [addStatus, addPeers, addRoutes, addCheck, addPolicy, addLeave, addJoin]) {
    add(mesh, env);
  }
}
