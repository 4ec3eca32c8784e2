/** `headcni ipam show`: everything about one address, or about the addresses of one pod. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { readDetails } from "./read_details.ts";
import { formatDetails } from "./format_details.ts";
import { print } from "../print.ts";
import { addVerb, type VerbOptions } from "./verb.ts";

const HELP = `
POD is namespace/name, or the name when only one pod has it.

JSON: {"leases": [as of "ls", and "netnsState": "present"|"gone"|"unknown", "isOfThisBoot",
  "attachment": {"phase": "adding"|"added", "hostLink", "createdMs"}],
  "resting": [as of "ls", and "stickyPod"]}

Examples:
  headcni ipam show 10.244.0.7
  headcni ipam show default/web-0 -o json`;

/** Adds the verb `show`. */
export function addShow(ipam: Command, env: Environment): void {
  addVerb(ipam, "show", "tell everything about an address or a pod")
    .argument("<address|pod>", "an IP address, or a pod")
    .addHelpText("after", HELP)
    .action(async (wanted: string, options: VerbOptions) => {
      const details = await readDetails(wanted, options, env);
      await print(
        options.output,
        details,
        (screen) => formatDetails(details, Date.now(), screen),
      );
    });
}
