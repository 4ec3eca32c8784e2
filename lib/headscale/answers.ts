/**
 * Answers of Headscale's REST API, in the shapes of releases 0.23 to 0.30: `proto/headscale/v1` up to
 * 0.29, `hscontrol/api/v1/types.go` from 0.30 on. Numbers of 64 bits are decimal text, and members
 * without a value are there.
 */
import * as v from "valibot";
import type { HeadscaleNode } from "../mesh/headscale_node.ts";
import { tryParseAddress } from "../net/address.ts";
import { tryParsePrefix } from "../net/prefix.ts";
import { parsedText } from "../schema.ts";
import type { OlderRoute } from "./older_routes.ts";

/** A user of Headscale's. */
export interface HeadscaleUser {
  /** A decimal number as text. */
  readonly id: string;
  readonly name: string;
}

const text = v.nullish(v.string(), "");
const flag = v.nullish(v.boolean(), false);
const texts = v.nullish(v.array(v.string()), []);
const id = v.pipe(v.string(), v.regex(/^[0-9]{1,20}$/, "a decimal number as text wanted"));
const address = parsedText(tryParseAddress, "an IP address");
const prefix = parsedText(tryParsePrefix, "an IP prefix");
const prefixes = v.nullish(v.array(prefix), []);

const Node = v.object({
  id,
  nodeKey: v.string(),
  name: text,
  givenName: text,
  user: v.nullish(v.object({ name: text }), {}),
  ipAddresses: v.nullish(v.array(address), []),
  online: flag,
  expiry: text,
  // From 0.28 on.
  tags: texts,
  // Up to 0.27.
  forcedTags: texts,
  validTags: texts,
  // From 0.26 on; undefined tells that it is an older release.
  availableRoutes: v.optional(prefixes),
  approvedRoutes: prefixes,
  subnetRoutes: prefixes,
});

/** A node as it comes. */
export type NodeAnswer = v.InferOutput<typeof Node>;

/** `GET /api/v1/node`. */
export const NodesAnswer = v.object({ nodes: v.array(Node) });

/** `POST /api/v1/node/{id}/approve_routes`. */
export const ApprovedAnswer = v.object({ node: v.object({ approvedRoutes: prefixes }) });

/** `POST /api/v1/node/{id}/expire`. */
export const ExpiredAnswer = v.object({ node: v.object({ expiry: text }) });

/** `GET /api/v1/routes` and `GET /api/v1/node/{id}/routes`, up to 0.25. */
export const RoutesAnswer = v.object({
  routes: v.array(
    v.pipe(
      v.object({
        id,
        node: v.nullish(v.object({ id })),
        prefix,
        advertised: flag,
        enabled: flag,
        isPrimary: flag,
      }),
      v.transform(({ id, node, prefix, advertised, enabled, isPrimary }): OlderRoute => ({
        id,
        nodeId: node?.id,
        prefix,
        isAdvertised: advertised,
        isEnabled: enabled,
        isPrimary,
      })),
    ),
  ),
});

/** `GET /api/v1/user`. */
export const UsersAnswer = v.object({ users: v.array(v.object({ id, name: text })) });

/** `POST /api/v1/preauthkey`. */
export const KeyAnswer = v.object({
  preAuthKey: v.object({
    key: v.pipe(v.string(), v.nonEmpty("a key wanted")),
    id: v.optional(id),
    expiration: text,
  }),
});

/** Any answer, for requests of which only success counts. */
export const AnyAnswer = v.looseObject({});

/** A node of 0.26 or later; of an older one, with no routes yet. */
export function nodeOf(node: NodeAnswer): HeadscaleNode {
  return {
    id: node.id,
    nodeKey: node.nodeKey,
    name: node.givenName || node.name,
    user: node.user.name ?? "",
    addresses: node.ipAddresses,
    isOnline: node.online,
    expiry: timeOf(node.expiry),
    tags: [...new Set([...node.tags, ...node.forcedTags, ...node.validTags])],
    availableRoutes: node.availableRoutes ?? [],
    approvedRoutes: node.approvedRoutes,
    subnetRoutes: node.subnetRoutes,
  };
}

/** Undefined for the zero time of Go, which nodes have that never expire. */
export function timeOf(text: string): string | undefined {
  return text === "" || text.startsWith("0001-01-01T") ? undefined : text;
}
