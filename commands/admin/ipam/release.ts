/** `headcni ipam release`: takes an address back that its pod does not need any more. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { ConfigError, HeadcniError } from "../../../lib/errors.ts";
import { type Address, formatAddress, parseAddress } from "../../../lib/net/address.ts";
import { log } from "../../../lib/log.ts";
import type { Lease } from "../../../lib/store/leases.ts";
import { pluginContext } from "../../context.ts";
import { logByHand } from "../../logged.ts";
import { print } from "../print.ts";
import { visitPresentStores } from "../stores.ts";
import { formatAge } from "../table.ts";
import { findByAddress } from "./find_leases.ts";
import {
  describeLease,
  formatAddresses,
  type InStore,
  type LeaseView,
  viewLease,
} from "./lease_view.ts";
import { type FoundLease, releaseDead, releaseForced } from "./release_lease.ts";
import { addVerb, type VerbOptions } from "./verb.ts";

/** What `headcni ipam release` is told. */
interface ReleaseOptions extends VerbOptions {
  readonly force?: true;
}

const HELP = `
A pod may be alive as long as its link or its namespace is there, or cannot be seen from here. All
addresses of that interface are released, and rest as after a DEL. Nothing happens to the link:
the runtime's DEL still removes it.

JSON: {"released": as a lease of "ls"}

Example:
  headcni ipam release 10.244.0.7`;

/** Adds the verb `release`. */
export function addRelease(ipam: Command, env: Environment): void {
  addVerb(ipam, "release", "take an address back from a pod that is gone")
    .argument("<address>", "an IP address")
    .option("--force", "even though the pod may be alive")
    .addHelpText("after", HELP)
    .action(async (text: string, options: ReleaseOptions) => {
      const released = await release(parseAddress(text), options, env);
      await print(options.output, { released }, () => formatReleased(released));
    });
}

async function release(
  address: Address,
  options: ReleaseOptions,
  env: Environment,
): Promise<InStore<LeaseView>> {
  const found = await visitPresentStores(options.store, env, async (store) => {
    const leases = await store.read((reader) => findByAddress(reader, address, options.network));
    return leases.map((lease) => ({ store: store.directory, lease }));
  });
  const [only, ...others] = found.flat();
  const text = formatAddress(address);
  if (!only) {
    throw new HeadcniError(
      "unknown-container",
      `Cannot release "${text}": no pod has this address`,
    );
  }
  if (others.length > 0) throw ambiguous(text, [only, ...others]);
  await releaseIn(only.store, { address: text, lease: only.lease }, options, env);
  return { store: only.store, ...viewLease(only.lease) };
}

async function releaseIn(
  directory: string,
  found: FoundLease,
  { force }: ReleaseOptions,
  env: Environment,
): Promise<void> {
  const context = pluginContext(env);
  logByHand(context);
  await visitPresentStores(
    directory,
    env,
    (store) => force ? releaseForced(store, found, context) : releaseDead(store, found, context),
    { mayUseBallast: true },
  );
  const { key, pod } = found.lease;
  log.info("Done", { verb: "ipam release", ...key, pod, store: directory });
}

function ambiguous(
  address: string,
  found: readonly { readonly store: string; readonly lease: Lease }[],
): ConfigError {
  const places = found.map(({ store, lease }) => `network "${lease.key.network}" in ${store}`);
  return new ConfigError(
    "invalid-config",
    `Cannot tell which "${address}" is meant: it is in ${places.join(", ")}; ` +
      `--network and --store name one`,
  );
}

function formatReleased(lease: InStore<LeaseView>): string {
  const rest = lease.restMs > 0
    ? `; nobody gets it again for ${formatAge(lease.restMs)}`
    : "; it is free";
  return `Released ${formatAddresses(lease)} of ${describeLease(lease)}${rest}.`;
}
