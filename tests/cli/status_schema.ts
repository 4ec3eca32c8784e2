/** The JSON of `headcni status`, with nothing that the help does not tell. */
import * as v from "valibot";

const Texts = v.array(v.string());
const MaybeText = v.nullable(v.string());
const Time = v.pipe(v.string(), v.isoTimestamp());

const Daemon = v.strictObject({
  state: v.picklist(["running", "stopped", "unknown"]),
  version: MaybeText,
  pid: v.nullable(v.number()),
  started: v.nullable(Time),
  ready: v.nullable(v.boolean()),
  reasons: Texts,
  warnings: Texts,
});

const Conflist = v.strictObject({
  directory: v.string(),
  runtimes: Texts,
  name: v.string(),
  state: v.picklist(["ours", "foreign", "missing"]),
  first: MaybeText,
});

const PodCidr = v.strictObject({
  cidrs: Texts,
  source: MaybeText,
  origin: MaybeText,
  since: v.nullable(Time),
  sources: Texts,
});

/** What is counted of addresses. */
export const addressCounts = {
  total_ips: v.number(),
  allocated_ips: v.number(),
  cooling_ips: v.number(),
  available_ips: v.number(),
  utilization_percent: v.number(),
  claimed_ips: v.number(),
};

const ranges = { ...addressCounts, cidr: v.string(), reserved_ips: v.number(), next_ip: MaybeText };

/** A pool, as `headcni ipam stats` tells it, too. */
export const StatusPool = v.strictObject({
  ...ranges,
  store: v.string(),
  network: v.string(),
  name: v.string(),
  range_sets: v.array(v.strictObject(ranges)),
});

const Mesh = v.strictObject({
  connected: v.boolean(),
  state: MaybeText,
  trouble: MaybeText,
  controlServer: MaybeText,
  addresses: Texts,
  peers: v.number(),
  keyExpiry: MaybeText,
  advertised: Texts,
  served: Texts,
});

const Runtime = v.strictObject({
  socket: v.string(),
  networkReady: v.nullable(v.boolean()),
  message: MaybeText,
  confDirectory: MaybeText,
  network: MaybeText,
});

const Attachment = v.strictObject({
  network: v.string(),
  containerId: v.string(),
  ifname: v.string(),
  pod: v.strictObject({
    namespace: v.optional(v.string()),
    name: v.optional(v.string()),
    uid: v.optional(v.string()),
  }),
  addresses: Texts,
  phase: v.optional(v.picklist(["adding", "added"])),
  hostLink: v.optional(v.string()),
  createdMs: v.number(),
});

const Store = v.strictObject({
  directory: v.string(),
  exists: v.boolean(),
  schema: v.optional(v.number()),
  attachments: v.array(Attachment),
});

/** All of it. */
export const StatusSchema = v.strictObject({
  version: v.string(),
  node: v.string(),
  daemon: Daemon,
  conflists: v.array(Conflist),
  podCidr: PodCidr,
  problems: Texts,
  pools: v.array(StatusPool),
  mesh: v.nullable(Mesh),
  runtimes: v.array(Runtime),
  stores: v.array(Store),
  unseen: Texts,
});

/** Parses what was printed. Throws unless it is JSON of exactly this shape. */
export function parseStatus(stdout: string): v.InferOutput<typeof StatusSchema> {
  return v.parse(StatusSchema, JSON.parse(stdout));
}
