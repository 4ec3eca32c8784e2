/** `headcni mesh leave` and `join`: whether the tailnet leads to the pods of this node. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { leaveMesh, rejoinMesh } from "../../../lib/daemon/mesh/leave.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { print } from "../print.ts";
import { readSettings } from "../settings.ts";
import { addVerb, type MeshOptions, requireMesh } from "./verb.ts";

const LEAVE_HELP = `
For a node that is drained or taken away. What we advertised and approved is taken back, for good: the
daemon leaves it alone until "headcni mesh join". Routes that you advertise stay. So do the rule that
keeps local traffic local and the route that keeps it from leaving in clear: "headcni uninstall" takes
those away.

With --deregister the node is logged out of its tailnet, too, and deleted in Headscale where there is an
API key: with tailscale.mode host that is the tailnet of the whole machine.

JSON: {"done": [text], "failures": [text]}

Examples:
  headcni mesh leave
  headcni mesh leave --deregister`;

const JOIN_HELP = `
Takes back "headcni mesh leave": the daemon advertises the pods' networks again at its next turn, in half a
minute at most. Joining a tailnet needs no command: the daemon logs in by itself.

JSON: {"joined": boolean}, false when the node had not left

Example:
  headcni mesh join`;

/** Adds the verb `leave`. */
export function addLeave(mesh: Command, env: Environment): void {
  addVerb(mesh, "leave", "take the networks of this node's pods out of the tailnet")
    .option("--deregister", "log the node out of its tailnet, too")
    .addHelpText("after", LEAVE_HELP)
    .action(async (options: MeshOptions & { readonly deregister?: boolean }) => {
      const loaded = readSettings(options, env);
      requireMesh(loaded);
      const report = await leaveMesh(loaded.settings, { deregister: options.deregister ?? false });
      const { done, failures } = report;
      const lines = done.length > 0 ? done : ["Nothing of ours was advertised."];
      await print(options.output, { done, failures }, () => lines.join("\n"));
      const [first, ...others] = failures;
      if (first === undefined) return;
      throw new HeadcniError("io-failure", `Cannot take back all: ${first}`, {
        ...others.length > 0 && { details: others.join("\n") },
      });
    });
}

/** Adds the verb `join`. */
export function addJoin(mesh: Command, env: Environment): void {
  addVerb(mesh, "join", 'take back "headcni mesh leave"')
    .addHelpText("after", JOIN_HELP)
    .action(async (options: MeshOptions) => {
      const loaded = readSettings(options, env);
      requireMesh(loaded);
      const joined = rejoinMesh(loaded.settings);
      await print(
        options.output,
        { joined },
        () => joined ? "The daemon advertises the pods' networks again." : "The node had not left.",
      );
    });
}
