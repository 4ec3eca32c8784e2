/** `headcni ipam release`: takes an address back that its pod does not need any more. */
import type { Command } from "commander";
import { moment } from "../../../lib/attach/context.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { ConfigError, HeadcniError } from "../../../lib/errors.ts";
import { type Address, formatAddress, parseAddress } from "../../../lib/net/address.ts";
import { log } from "../../../lib/log.ts";
import { type Lease, releaseLease } from "../../../lib/store/leases.ts";
import { pluginContext } from "../../context.ts";
import { logByHand } from "../../logged.ts";
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
import { NETNS_STATE_TEXTS, netnsState } from "./netns_state.ts";
import { addVerb, print, type VerbOptions } from "./verb.ts";

/** What `headcni ipam release` is told. */
interface ReleaseOptions extends VerbOptions {
  readonly force?: true;
}

const HELP = `
All addresses of that interface are released, and rest as after a DEL. Nothing happens to the link:
the runtime's DEL still removes it.

JSON: {"released": as a lease of "ls"}

Example:
  headcni ipam release 10.244.0.7`;

/** Adds the verb `release`. */
export function addRelease(ipam: Command, env: Environment): void {
  addVerb(ipam, "release", "take an address back from a pod that is gone")
    .argument("<address>", "an IP address")
    .option("--force", "even though the pod's namespace is there, or is not known")
    .addHelpText("after", HELP)
    .action(async (text: string, options: ReleaseOptions) => {
      const released = await release(parseAddress(text), options, env);
      print(options.output, { released }, () => formatReleased(released));
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
  if (!options.force) refuseLiving(text, only.lease);
  await releaseIn(only.store, only.lease, env);
  return { store: only.store, ...viewLease(only.lease) };
}

async function releaseIn(directory: string, lease: Lease, env: Environment): Promise<void> {
  const context = pluginContext(env);
  logByHand(context);
  await visitPresentStores(
    directory,
    env,
    (store) => store.write((tx) => releaseLease(tx, lease.key, moment(context))),
    { mayUseBallast: true },
  );
  log.info("Done", { verb: "ipam release", ...lease.key, pod: lease.pod, store: directory });
}

function refuseLiving(address: string, lease: Lease): void {
  const state = netnsState(lease.netns);
  if (state === "gone") return;
  const seen = lease.netns === ""
    ? "its namespace is not known"
    : `its namespace ${lease.netns} ${NETNS_STATE_TEXTS[state]}`;
  throw new HeadcniError(
    "address-unavailable",
    `Cannot release "${address}": ${describeLease(viewLease(lease))} may be alive, ${seen}`,
    { details: "Delete the pod, or say --force when you know that it is gone" },
  );
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
