/** `headcni cluster`: HeadCNI in a whole cluster, from a workstation with kubectl and Helm. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { addInstall, addUpgrade } from "./install.ts";
import { addStatus } from "./status.ts";
import { addUninstall } from "./uninstall.ts";

/** The verbs of the subcommand `cluster`. */
export function define(cluster: Command, env: Environment): void {
  cluster.usage("SUBCOMMAND [OPTIONS]");
  for (const add of [addInstall, addStatus, addUpgrade, addUninstall]) add(cluster, env);
}
