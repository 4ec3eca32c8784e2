/** `headcni ipam ls`: who has which address. */
import type { Command } from "commander";
import { moment } from "../../../lib/attach/context.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { listLeases } from "../../../lib/store/leases.ts";
import { listResting } from "../../../lib/store/resting.ts";
import { pluginContext } from "../../context.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { visitPresentStores } from "../stores.ts";
import { formatAge, formatContainerId, formatPod, formatTable } from "../table.ts";
import {
  compareLeases,
  formatLeases,
  type InStore,
  type LeaseView,
  type RestingView,
  viewLease,
  viewResting,
} from "./lease_view.ts";
import { addVerb, type VerbOptions } from "./verb.ts";

/** What `headcni ipam ls` is told. */
interface LsOptions extends VerbOptions {
  readonly resting?: true;
}

/** What `--output json` prints. */
interface Listing {
  readonly leases: readonly InStore<LeaseView>[];
  /** Only with `--resting`. */
  readonly resting?: readonly InStore<RestingView>[];
}

const HELP = `
JSON: {"leases": [{"store", "network", "containerId", "ifname", "pool",
  "addresses": [{"address", "gateway"}], "pod": {"namespace", "name", "uid"}, "netns", "bootId",
  "createdMs", "createdUptimeMs", "hostNetns", "restMs"}], "resting": [{"store", "network",
  "address", "remainingMs", "last": {"containerId", "ifname", "pod"}}]}; what is not known is
  absent, or "" for netns, bootId and hostNetns

Examples:
  headcni ipam ls --resting
  headcni ipam ls --network pods -o json | jq -r '.leases[].addresses[].address'`;

/** Adds the verb `ls`. */
export function addLs(ipam: Command, env: Environment): void {
  addVerb(ipam, "ls", "tell who has which address")
    .option("--resting", "also the addresses that were released and are not given again yet")
    .addHelpText("after", HELP)
    .action(async (options: LsOptions) => {
      const listing = await list(options, env);
      await print(options.output, listing, (screen) => format(listing, screen));
    });
}

async function list(options: LsOptions, env: Environment): Promise<Listing> {
  const listings = await visitPresentStores(
    options.store,
    env,
    (store) =>
      store.read(async (reader) => {
        const { directory } = store;
        const now = moment(pluginContext(env));
        const leases = await listLeases(reader, options.network);
        const resting = options.resting ? await listResting(reader, options.network) : [];
        return {
          leases: leases.sort(compareLeases)
            .map((lease) => ({ store: directory, ...viewLease(lease) })),
          resting: resting.map((each) => ({ store: directory, ...viewResting(each, now) })),
        };
      }),
  );
  const leases = listings.flatMap((listing) => listing.leases);
  return options.resting
    ? { leases, resting: listings.flatMap((listing) => listing.resting) }
    : { leases };
}

function format({ leases, resting = [] }: Listing, screen: Screen): string {
  const tables = [
    leases.length > 0 ? formatLeases(leases, Date.now(), screen) : "No pod has an address.",
    ...resting.length > 0 ? [formatResting(resting, screen)] : [],
  ];
  return tables.join("\n\n");
}

function formatResting(resting: readonly InStore<RestingView>[], screen: Screen): string {
  const rows = resting.map(({ address, network, remainingMs, last }) => [
    address,
    network,
    formatAge(remainingMs),
    formatPod(last.pod),
    formatContainerId(last.containerId),
  ]);
  return formatTable(RESTING_HEADINGS, rows, screen);
}

const RESTING_HEADINGS = ["RESTING", "NETWORK", "FREE IN", "LAST POD", "LAST CONTAINER"];
