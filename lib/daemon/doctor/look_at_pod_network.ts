/** Looks at the network of the node's pods: who names it, and what plugins take for it. */
import { parseSubnetFile } from "../../discovery/subnet_file.ts";
import type { ApiSight, PodNetworkSight, RangesSight } from "../../doctor/sight.ts";
import { errorText } from "../../errors.ts";
import { parsePools } from "../../ipam/pool.ts";
import { distinctPrefixes, networkOf, type Prefix } from "../../net/prefix.ts";
import { isObject } from "../../schema.ts";
import { ANNOTATIONS } from "../kube_link.ts";
import { subnetFilePath } from "../node_files.ts";
import { lookAtConfs, ownEntries } from "./look_at_runtime.ts";
import type { Scene } from "./scene.ts";

/** Who names it. */
export async function lookAtPodNetwork(scene: Scene): Promise<PodNetworkSight> {
  const { own, chosen } = await scene.network();
  const { refused, warnings } = own.verdict;
  return {
    chosen,
    own: own.chosen?.cidrs ?? [],
    reasons: own.reasons,
    refused: own.chosen || refused.length > 0 ? refused : [],
    warnings,
  };
}

/**
 * What plugins take for it.
 * @throws Error of Deno when we may not read one of the files.
 */
export async function lookAtRanges(scene: Scene): Promise<RangesSight> {
  const entries = ownEntries(lookAtConfs(scene).folders);
  const { chosen } = await scene.network();
  const path = subnetFilePath(scene.options.loaded.settings);
  const isNeeded = entries.some(({ entry }) => entry.subnetFile === path);
  return {
    cidrs: chosen?.cidrs,
    subnetFile: { path, isNeeded, ...readSubnets(path) },
    fixed: entries.flatMap(({ path, entry }) => {
      const subnets = rangesOf(entry);
      return subnets.length > 0 ? [{ path, subnets }] : [];
    }),
  };
}

/**
 * What the API server says.
 * @throws Error that tells why it cannot be asked.
 */
export async function lookAtApi(scene: Scene): Promise<ApiSight> {
  const { source, node, finding } = await scene.api();
  const { chosen } = await scene.network();
  return {
    source,
    finding,
    annotation: node?.annotations[ANNOTATIONS.cidr],
    cidrs: chosen?.cidrs ?? [],
  };
}

/** Of our own IPAM, which gives addresses of nothing else. */
function rangesOf({ name, ipam }: Record<string, unknown>): Prefix[] {
  try {
    const pools = parsePools(String(name ?? "headcni"), isObject(ipam) ? ipam : undefined);
    return distinctPrefixes(
      pools.flatMap(({ rangeSets }) => rangeSets.flat().map(({ subnet }) => networkOf(subnet))),
    );
  } catch {
    return []; // it names none: the subnet file does
  }
}

function readSubnets(
  path: string,
): { readonly subnets: readonly Prefix[]; readonly fault: string } {
  try {
    const text = Deno.readTextFileSync(path);
    return { subnets: parseSubnetFile({ path, text }, {}).subnets, fault: "" };
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw error;
    const isGone = error instanceof Deno.errors.NotFound;
    return { subnets: [], fault: isGone ? `${path} is not there` : errorText(error) };
  }
}
