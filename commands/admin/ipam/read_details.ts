import { moment } from "../../../lib/attach/context.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { type Address, equalAddresses, tryParseAddress } from "../../../lib/net/address.ts";
import { type Attachment, findAttachment } from "../../../lib/store/attachments.ts";
import type { Lease } from "../../../lib/store/leases.ts";
import { listResting, type Moment } from "../../../lib/store/resting.ts";
import { listSticky } from "../../../lib/store/sticky.ts";
import type { StoreReader } from "../../../lib/store/transaction.ts";
import { pluginContext } from "../../context.ts";
import { visitPresentStores } from "../stores.ts";
import { findByAddress, findByPod, requireOnePod } from "./find_leases.ts";
import {
  compareLeases,
  type InStore,
  type LeaseView,
  type RestingView,
  viewLease,
  viewResting,
} from "./lease_view.ts";
import { type NetnsState, netnsState } from "./netns_state.ts";
import type { VerbOptions } from "./verb.ts";

/** What `--output json` prints. */
export interface Details {
  readonly leases: readonly InStore<LeaseDetails>[];
  readonly resting: readonly InStore<RestingDetails>[];
}

/** A lease and what else is known of its attachment. */
export interface LeaseDetails extends LeaseView {
  /** What is at the path of the pod's namespace. */
  readonly netnsState: NetnsState;
  /** True when it was made since the machine started; absent when that is not known. */
  readonly isOfThisBoot?: boolean;
  /** What ADD recorded; absent when another plugin made the link. */
  readonly attachment?: Pick<Attachment, "phase" | "hostLink" | "createdMs">;
}

/** A released address. */
export interface RestingDetails extends RestingView {
  /** The pod of a StatefulSet that will get it again, if one had it. */
  readonly stickyPod?: string;
}

/**
 * Everything about an address, or about the addresses of a pod.
 * @param wanted an IP address, `namespace/name`, or the name of a pod.
 * @throws HeadcniError when nothing is known of it; ConfigError when several pods have that name.
 */
export async function readDetails(
  wanted: string,
  options: VerbOptions,
  env: Environment,
): Promise<Details> {
  const address = tryParseAddress(wanted);
  const now = moment(pluginContext(env));
  const found = await visitPresentStores(
    options.store,
    env,
    (store) =>
      store.read(async (reader) => {
        const leases = address
          ? await findByAddress(reader, address, options.network)
          : await findByPod(reader, wanted, options.network);
        const details = [];
        for (const lease of leases.sort(compareLeases)) {
          details.push({ store: store.directory, ...await detail(reader, lease, now) });
        }
        const resting = address ? await findResting(reader, address, options.network, now) : [];
        return {
          leases: details,
          resting: resting.map((each) => ({ store: store.directory, ...each })),
        };
      }),
  );
  const leases = found.flatMap((each) => each.leases);
  const resting = found.flatMap((each) => each.resting);
  if (!address) requireOnePod(wanted, leases);
  if (leases.length + resting.length > 0) return { leases, resting };
  throw new HeadcniError(
    "unknown-container",
    address
      ? `Cannot show "${wanted}": no pod has this address, and it does not rest`
      : `Cannot show "${wanted}": no pod of this name has an address`,
  );
}

async function detail(reader: StoreReader, lease: Lease, now: Moment): Promise<LeaseDetails> {
  const attachment = await findAttachment(reader, lease.key);
  const { phase, hostLink, createdMs } = attachment ?? {};
  return {
    ...viewLease(lease),
    netnsState: netnsState(lease.netns),
    ...lease.bootId && { isOfThisBoot: lease.bootId === now.bootId },
    ...phase && createdMs !== undefined &&
      { attachment: { phase, createdMs, ...hostLink !== undefined && { hostLink } } },
  };
}

async function findResting(
  reader: StoreReader,
  address: Address,
  network: string | undefined,
  now: Moment,
): Promise<RestingDetails[]> {
  const resting = (await listResting(reader, network))
    .filter((each) => equalAddresses(each.address, address));
  const sticky = resting.length > 0 ? await listSticky(reader, network) : [];
  return resting.map((each) => {
    const pod = sticky.find(({ network, addresses }) =>
      network === each.network && addresses.some((one) => equalAddresses(one, address))
    );
    return { ...viewResting(each, now), ...pod && { stickyPod: `${pod.namespace}/${pod.name}` } };
  });
}
