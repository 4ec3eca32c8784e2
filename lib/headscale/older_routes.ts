/** Routes of Headscale up to 0.25, where each is a row of its own: `proto/headscale/v1/routes.proto`. */
import type { HeadscaleNode } from "../mesh/headscale_node.ts";
import { distinctPrefixes, equalPrefixes, type Prefix } from "../net/prefix.ts";

/** One row. */
export interface OlderRoute {
  /** A decimal number as text. */
  readonly id: string;
  /** Undefined for a row whose node is gone. */
  readonly nodeId: string | undefined;
  readonly prefix: Prefix;
  readonly isAdvertised: boolean;
  readonly isEnabled: boolean;
  readonly isPrimary: boolean;
}

/** Which rows to change, by their ids. */
export interface OlderRouteChange {
  readonly enable: readonly string[];
  readonly disable: readonly string[];
}

/** The rows of a node to enable and to disable, so that no others than `wanted` are enabled. */
export function diffOlderRoutes(
  nodeId: string,
  wanted: readonly Prefix[],
  rows: readonly OlderRoute[],
): OlderRouteChange {
  const own = rows.filter((row) => row.nodeId === nodeId);
  const isWanted = ({ prefix }: OlderRoute) => wanted.some((one) => equalPrefixes(one, prefix));
  return {
    enable: own.filter((row) => !row.isEnabled && isWanted(row)).map(({ id }) => id),
    disable: own.filter((row) => row.isEnabled && !isWanted(row)).map(({ id }) => id),
  };
}

/** The routes of a node's rows, as later releases tell them with the node. */
export function olderRoutesOf(
  nodeId: string,
  rows: readonly OlderRoute[],
): Pick<HeadscaleNode, "availableRoutes" | "approvedRoutes" | "subnetRoutes" | "rows"> {
  const own = rows.filter((row) => row.nodeId === nodeId);
  const prefixesOf = (some: readonly OlderRoute[]) =>
    distinctPrefixes(some.map(({ prefix }) => prefix));
  return {
    availableRoutes: prefixesOf(own.filter((row) => row.isAdvertised)),
    approvedRoutes: prefixesOf(own.filter((row) => row.isEnabled)),
    subnetRoutes: prefixesOf(
      own.filter((row) => row.isAdvertised && row.isEnabled && row.isPrimary),
    ),
    rows: own.map(({ id, prefix }) => ({ id, prefix })),
  };
}
