/** `headcni ipam`: who has which address, and what to do about it. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { addCheck } from "./check.ts";
import { addExport } from "./export.ts";
import { addGc } from "./gc.ts";
import { addImport } from "./import.ts";
import { addLs } from "./ls.ts";
import { addRelease } from "./release.ts";
import { addShow } from "./show.ts";
import { addStats } from "./stats.ts";

/** Defines the subcommand and its verbs. */
export function define(ipam: Command, env: Environment): void {
  ipam.usage("SUBCOMMAND [OPTIONS]");
  for (const add of [addLs, addShow, addStats, addCheck, addGc, addRelease, addImport, addExport]) {
    add(ipam, env);
  }
}
