/**
 * Results on the wire. What comes in may have the shape of any version that we speak, what goes
 * out has the shape of the caller's version; in between there is only {@linkcode Result}.
 */
import * as v from "valibot";
import { ConfigError } from "../errors.ts";
import { type Family, formatAddress, tryParseAddress } from "../net/address.ts";
import { formatPrefix, tryParsePrefix } from "../net/prefix.ts";
import { parsedText, parseWith, withoutEmpty } from "../schema.ts";
import type { Result, ResultDns, ResultInterface, ResultIp, ResultRoute } from "./result.ts";
import { isAtLeast, SPEC_VERSIONS, type SpecVersion } from "./version.ts";

/**
 * Reads a result of any version; the shape follows its own `cniVersion`.
 * @param what names the result in errors, such as `prevResult`.
 * @param assumed version of a result that names none.
 * @throws ConfigError that lists every fault.
 */
export function parseResult(input: unknown, what: string, assumed: SpecVersion): Result {
  const raw = withoutEmpty(input);
  const { cniVersion = assumed } = parseWith(versionObject, raw, what);
  if (isAtLeast(cniVersion, "0.3.0")) return parseWith(resultObject, raw, what);
  const { ip4, ip6, dns } = parseWith(oldResultObject, raw, what);
  const families = [ip4, ip6].filter((family) => family !== undefined);
  return {
    interfaces: [],
    ips: families.map(({ ip, gateway }) => ({ address: ip, ...gateway && { gateway } })),
    routes: families.flatMap(({ routes }) => routes),
    dns,
  };
}

/**
 * Reads a list of routes as results and `ipam.routes` have it; absent is empty. Destinations need
 * not be canonical: host bits are kept.
 * @throws ConfigError that lists every fault.
 */
export function parseRoutes(input: unknown, what: string): ResultRoute[] {
  return parseWith(routeList, withoutEmpty(input), what);
}

/**
 * Reads a `dns` object as results and configurations have it; absent is empty.
 * @throws ConfigError that lists every fault.
 */
export function parseDns(input: unknown, what: string): ResultDns {
  return parseWith(dnsObject, withoutEmpty(input), what);
}

/**
 * The result as `version` has it, to be turned into JSON: members may be undefined. What older
 * versions have no place for is left out.
 * @throws ConfigError for 0.1.0 and 0.2.0, which need an address, when there is none.
 */
export function formatResult(result: Result, version: SpecVersion): Record<string, unknown> {
  if (!isAtLeast(version, "0.3.0")) return formatOldResult(result, version);
  const { interfaces, ips, routes, dns } = result;
  return {
    cniVersion: version,
    ...interfaces.length > 0 && {
      interfaces: interfaces.map((link) => formatInterface(link, version)),
    },
    ...ips.length > 0 && { ips: ips.map((ip) => formatIp(ip, version)) },
    ...routes.length > 0 && { routes: routes.map((route) => formatRoute(route, version)) },
    ...Object.keys(dns).length > 0 && { dns },
  };
}

const text = v.exactOptional(v.string());
const texts = v.exactOptional(v.array(v.string()));
const count = v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0)));
const prefix = parsedText(tryParsePrefix, "an IP prefix");
const address = v.exactOptional(parsedText(tryParseAddress, "an IP address"));

const routeList = v.optional(
  v.array(v.object({
    dst: prefix,
    gw: address,
    mtu: count,
    advmss: count,
    priority: count,
    table: count,
    scope: count,
  })),
  [],
);
const dnsObject = v.optional(
  v.object({ nameservers: texts, domain: text, search: texts, options: texts }),
  {},
);

/** 0.3.0 and newer; `ips[].version` of 0.3.0 to 0.4.0 says what the address says itself. */
const resultObject = v.object({
  interfaces: v.optional(
    v.array(v.object({
      name: v.optional(v.string(), ""),
      mac: text,
      mtu: count,
      sandbox: text,
      socketPath: text,
      pciID: text,
    })),
    [],
  ),
  ips: v.optional(v.array(v.object({ address: prefix, gateway: address, interface: count })), []),
  routes: routeList,
  dns: dnsObject,
});

/** 0.1.0 and 0.2.0. */
const oldFamily = v.optional(v.object({ ip: prefix, gateway: address, routes: routeList }));
const oldResultObject = v.object({ ip4: oldFamily, ip6: oldFamily, dns: dnsObject });

const versionObject = v.object({
  cniVersion: v.optional(v.picklist(SPEC_VERSIONS)),
});

function formatInterface(link: ResultInterface, version: SpecVersion): Record<string, unknown> {
  const { name, mac, mtu, sandbox, socketPath, pciID } = link;
  const newer = isAtLeast(version, "1.1.0") ? { mtu, socketPath, pciID } : {};
  return { name, mac, sandbox, ...newer };
}

function formatIp(ip: ResultIp, version: SpecVersion): Record<string, unknown> {
  return {
    ...!isAtLeast(version, "1.0.0") && { version: String(ip.address.address.family) },
    interface: ip.interface,
    address: formatPrefix(ip.address),
    gateway: ip.gateway && formatAddress(ip.gateway),
  };
}

function formatRoute(route: ResultRoute, version: SpecVersion): Record<string, unknown> {
  const { dst, gw, mtu, advmss, priority, table, scope } = route;
  const newer = isAtLeast(version, "1.1.0") ? { mtu, advmss, priority, table, scope } : {};
  return { dst: formatPrefix(dst), gw: gw && formatAddress(gw), ...newer };
}

/** The first address of each family, with the routes of that family under it. */
function formatOldResult(result: Result, version: SpecVersion): Record<string, unknown> {
  const { ips, dns } = result;
  if (ips.length === 0) {
    throw new ConfigError("invalid-config", "cannot convert: no valid IP addresses", {
      details: `a result of version ${version} needs an address; cniVersion 0.3.0 and newer do not`,
    });
  }
  return {
    cniVersion: version,
    ip4: formatOldFamily(result, 4, version),
    ip6: formatOldFamily(result, 6, version),
    ...Object.keys(dns).length > 0 && { dns },
  };
}

function formatOldFamily(
  result: Result,
  family: Family,
  version: SpecVersion,
): Record<string, unknown> | undefined {
  const ip = result.ips.find(({ address }) => address.address.family === family);
  if (!ip) return undefined;
  const routes = result.routes.filter(({ dst }) => dst.address.family === family);
  return {
    ip: formatPrefix(ip.address),
    gateway: ip.gateway && formatAddress(ip.gateway),
    ...routes.length > 0 && { routes: routes.map((route) => formatRoute(route, version)) },
  };
}
