/** `headcni mesh whois`: the node behind an address. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { findServing } from "../../../lib/mesh/peer_routes.ts";
import type { TailnetStatus } from "../../../lib/mesh/tailnet.ts";
import { type Address, formatAddress, parseAddress } from "../../../lib/net/address.ts";
import { formatPrefix, type Prefix } from "../../../lib/net/prefix.ts";
import { LocalApi } from "../../../lib/tailscale/local_api.ts";
import type { Whois } from "../../../lib/tailscale/whois.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatRows } from "../table.ts";
import { requireStatus } from "./require_status.ts";
import { addVerb, examine, type MeshOptions } from "./verb.ts";

const HELP = `
An address of a pod, or of anything else behind a node, belongs to the node that serves the narrowest route
to it.

JSON: {"address", "name", "addresses", "tags", "user", "route"}; route is null for an address of the node's
own.

Examples:
  headcni mesh whois 100.64.0.2
  headcni mesh whois 10.42.2.7`;

/** An owner, and by which of its routes. */
interface Owner extends Whois {
  readonly route: Prefix | undefined;
}

/** Adds the verb `whois`. */
export function addWhois(mesh: Command, env: Environment): void {
  addVerb(mesh, "whois", "tell the node that has an address, or leads to it")
    .argument("<address>", "of a node of the tailnet, or of a pod")
    .addHelpText("after", HELP)
    .action(async (text: string, options: MeshOptions) => {
      const address = parseAddress(text);
      const { sight } = await examine(options, env);
      const status = requireStatus(sight);
      using api = new LocalApi(sight.socket);
      const value = viewOwner(address, await findOwner(api, status, address));
      await print(options.output, value, (screen) => formatOwner(value, screen));
    });
}

/** @throws HeadcniError when nobody owns it. */
async function findOwner(
  api: Pick<LocalApi, "whois">,
  { self, peers }: TailnetStatus,
  address: Address,
): Promise<Owner> {
  const own = await api.whois(address);
  if (own) return { ...own, route: undefined };
  const { node, route } = findServing([...self ? [self] : [], ...peers], address) ?? {};
  const [first] = node?.addresses ?? [];
  const owner = first && await api.whois(first);
  if (owner) return { ...owner, route };
  throw new HeadcniError(
    "delegate-failure",
    `Cannot find the owner of "${
      formatAddress(address)
    }": no node of the tailnet has it, or serves a ` +
      "route to it; headcni mesh peers lists what they serve",
  );
}

function viewOwner(address: Address, { dnsName, addresses, tags, user, route }: Owner) {
  return {
    address: formatAddress(address),
    name: dnsName,
    addresses: addresses.map(formatAddress),
    tags,
    user,
    route: route ? formatPrefix(route) : null,
  };
}

function formatOwner(
  { name, addresses, tags, user, route }: ReturnType<typeof viewOwner>,
  screen: Screen,
): string {
  return formatRows([
    ["node", name],
    ["addresses", addresses.join(", ") || "-"],
    ["tags", tags.join(", ") || "-"],
    ["user", user || "-"],
    ["by its route", route ?? "none: it is its own"],
  ], screen);
}
