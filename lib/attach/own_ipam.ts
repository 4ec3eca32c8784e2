/** Addresses from our own store, in this process: what `headcni-ipam` gives, without a second one. */
import type { Request } from "../cni/request.ts";
import type { Result, ResultDns } from "../cni/result.ts";
import { parseDns, parseRoutes } from "../cni/result_codec.ts";
import { isAtLeast } from "../cni/version.ts";
import { ConfigError, errorText } from "../errors.ts";
import { requireFree } from "../ipam/allocate.ts";
import { type IpamConfig, parseIpamConfig, requireOnePerFamily } from "../ipam/config.ts";
import { parseResolvConf } from "../cni/resolv_conf.ts";
import { decideOn } from "../store/blocks.ts";
import { type Lease, reserveLease } from "../store/leases.ts";
import { withRested } from "../store/resting.ts";
import { probeWrite } from "../store/store.ts";
import type { StoreTransaction } from "../store/transaction.ts";
import { type AttachContext, attachmentKey, moment } from "./context.ts";

/** What IPAM gives: addresses with gateways, routes, name resolution. */
export type IpamAnswer = Pick<Result, "ips" | "routes" | "dns">;

/** The `ipam` section of a request, ready to choose addresses. */
export interface OwnIpam {
  readonly config: IpamConfig;
  readonly routes: Result["routes"];
  readonly dns: ResultDns;
}

/**
 * Reads everything that our IPAM needs from a request, and the file that `resolvConf` names.
 * @param options.enableIpv6 false drops the sets of IPv6 ranges.
 * @throws ConfigError.
 */
export function parseOwnIpam(request: Request, options = { enableIpv6: true }): OwnIpam {
  const { ipam, name, cniArgs, runtimeConfig, cniVersion } = request.config;
  const parsed = parseIpamConfig({
    network: name,
    ipam,
    argsIp: request.args.get("IP"),
    cniArgs,
    runtimeConfig,
    podNamespace: request.pod.namespace,
    isForAnyPod: request.verb === "STATUS",
  });
  const what = `ipam of network "${name}"`;
  const config = options.enableIpv6 ? parsed : withoutIpv6(parsed, what);
  if (!isAtLeast(cniVersion, "0.3.0")) requireOnePerFamily(config, cniVersion);
  return {
    config,
    routes: parseRoutes(ipam?.routes, `routes in ${what}`),
    dns: readDns(ipam, what),
  };
}

/**
 * Stages the lease of an attachment.
 * @throws ConfigError when there is one, or no free address; StoreError.
 */
export function reserveOwn(
  tx: StoreTransaction,
  request: Request,
  ipam: OwnIpam,
  context: AttachContext,
): Promise<Lease> {
  const key = attachmentKey(request);
  return reserveLease(tx, {
    key,
    pod: request.pod,
    netns: request.netns,
    config: ipam.config,
    ipam: request.config.ipam,
    ...moment(context),
    hostNetns: context.node.netns(),
    nowMs: context.nowMs(),
    random: context.random,
  });
}

/**
 * Stages nothing that changes the store.
 * @throws ConfigError when no address is free; StoreError when it cannot be written.
 */
export async function probeOwn(
  tx: StoreTransaction,
  request: Request,
  { config }: OwnIpam,
  context: AttachContext,
): Promise<void> {
  const { name } = request.config;
  await probeWrite(tx);
  await withRested(
    tx,
    name,
    moment(context),
    (rested) => decideOn(tx, name, requireFree(config, rested)),
  );
}

/** The answer of IPAM for a lease. */
export function ownAnswer(lease: Lease, ipam: OwnIpam): IpamAnswer {
  return {
    ips: lease.addresses.map(({ address, gateway }) => ({ address, ...gateway && { gateway } })),
    routes: ipam.routes,
    dns: ipam.dns,
  };
}

function withoutIpv6(config: IpamConfig, what: string): IpamConfig {
  const rangeSets = config.rangeSets.filter((set) =>
    set.every(({ subnet }) => subnet.address.family === 4)
  );
  if (rangeSets.length > 0) return { ...config, rangeSets };
  throw new ConfigError(
    "invalid-config",
    `Cannot choose addresses for pods: enable_ipv6 is false, but ${what} has only IPv6 ranges`,
  );
}

/** What the file says that `resolvConf` names, else what `dns` says. */
function readDns(ipam: Request["config"]["ipam"], what: string): ResultDns {
  const path = ipam?.resolvConf ?? "";
  if (typeof path === "string") {
    return path === "" ? parseDns(ipam?.dns, `dns in ${what}`) : readResolvConf(path);
  }
  throw new ConfigError(
    "invalid-config",
    `Cannot use resolvConf ${JSON.stringify(path)} in ${what}: a path wanted`,
  );
}

function readResolvConf(path: string): ResultDns {
  try {
    return parseResolvConf(Deno.readTextFileSync(path));
  } catch (cause) {
    throw new ConfigError(
      "invalid-config",
      `Cannot read resolvConf "${path}": ${errorText(cause)}`,
      { cause },
    );
  }
}
