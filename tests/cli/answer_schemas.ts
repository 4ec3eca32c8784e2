/** What each command answers to programs, with nothing that its help does not tell. */
import * as v from "valibot";
import { ExportDocument } from "../../commands/admin/ipam/export_document.ts";
import { addressCounts, StatusPool, StatusSchema } from "./status_schema.ts";

const Texts = v.array(v.string());
const MaybeText = v.nullable(v.string());
const MaybeBoolean = v.nullable(v.boolean());
const Time = v.pipe(v.string(), v.isoTimestamp());
const Counts = v.record(v.string(), v.number());

const pod = v.strictObject({
  namespace: v.optional(v.string()),
  name: v.optional(v.string()),
  uid: v.optional(v.string()),
});

const lease = {
  store: v.string(),
  network: v.string(),
  containerId: v.string(),
  ifname: v.string(),
  pool: v.string(),
  addresses: v.array(v.strictObject({ address: v.string(), gateway: v.optional(v.string()) })),
  pod,
  netns: v.string(),
  bootId: v.string(),
  createdMs: v.number(),
  createdUptimeMs: v.number(),
  hostNetns: v.string(),
  restMs: v.number(),
};

const Attachment = v.strictObject({
  phase: v.picklist(["adding", "added"]),
  hostLink: v.string(),
  createdMs: v.number(),
});

const ipamStats = {
  node: v.strictObject({ ...addressCounts, node_name: v.string(), pod_cidr: v.string() }),
  networks: v.array(
    v.strictObject({ ...addressCounts, store: v.string(), network: v.string(), cidr: v.string() }),
  ),
  pools: v.array(StatusPool),
  counters: v.array(
    v.strictObject({ store: v.string(), metric: v.string(), labels: Texts, value: v.number() }),
  ),
};

const Verdict = v.picklist(["pass", "fail", "unknown"]);

const Install = v.strictObject({
  release: v.string(),
  prefix: v.string(),
  service: v.picklist(["systemd", "none"]),
  done: Texts,
  kept: Texts,
  next: Texts,
  missing: v.nullable(Texts),
});

/** By the command and its verb. */
export const ANSWERS = {
  "status": StatusSchema,
  "stats": v.strictObject({
    ...ipamStats,
    attachments: v.strictObject({ added: v.number(), adding: v.number(), leased: v.number() }),
    ports: Counts,
    daemon: v.strictObject({
      running: v.boolean(),
      trouble: MaybeText,
      repairs: Counts,
      mesh: Counts,
    }),
  }),
  // What was logged differs from line to line.
  "logs": v.array(
    v.looseObject({ source: v.picklist(["plugin", "daemon"]), time: Time, message: v.string() }),
  ),
  "metrics": v.strictObject({
    metrics: v.array(v.strictObject({
      name: v.string(),
      help: v.string(),
      type: v.picklist(["counter", "gauge", "histogram", "untyped"]),
      samples: v.array(v.strictObject({
        name: v.string(),
        labels: v.record(v.string(), v.string()),
        value: v.number(),
      })),
    })),
  }),
  "version": v.strictObject({
    release: v.string(),
    commit: MaybeText,
    form: v.picklist(["executable", "script", "source"]),
    deno: v.string(),
    platform: v.string(),
  }),
  "ipam ls": v.strictObject({ leases: v.array(v.strictObject(lease)) }),
  "ipam show": v.strictObject({
    leases: v.array(v.strictObject({
      ...lease,
      netnsState: v.picklist(["present", "gone", "unknown"]),
      isOfThisBoot: v.optional(v.boolean()),
      attachment: v.optional(Attachment),
    })),
    resting: v.array(v.unknown()),
  }),
  "ipam stats": v.strictObject(ipamStats),
  "ipam check": v.strictObject({
    stores: v.array(v.strictObject({ store: v.string(), faults: Texts })),
  }),
  "ipam export": ExportDocument,
  "ipam gc": v.strictObject({
    dryRun: v.literal(true),
    freed: v.array(v.strictObject({ ...lease, proofs: Texts })),
    failed: v.array(v.strictObject({ ...lease, failure: v.string() })),
    kept: v.array(v.strictObject({ ...lease, reason: v.string() })),
  }),
  "mesh status": v.strictObject({
    connected: v.boolean(),
    state: MaybeText,
    trouble: MaybeText,
    version: MaybeText,
    controlServer: MaybeText,
    addresses: Texts,
    nodeKey: MaybeText,
    keyExpiry: MaybeText,
    peers: v.number(),
    device: v.nullable(v.strictObject({ name: v.string(), mtuBytes: v.number() })),
    advertised: Texts,
    served: Texts,
    podCidrs: Texts,
    clusterCidrs: Texts,
    left: v.boolean(),
    headscale: MaybeText,
    conflicts: Texts,
    warnings: Texts,
    reasons: Texts,
  }),
  "mesh peers": v.array(v.strictObject({
    name: v.string(),
    addresses: Texts,
    routes: Texts,
    online: v.boolean(),
    path: v.string(),
    lastHandshake: v.nullable(Time),
    tags: Texts,
    latencyMs: v.nullable(v.number()),
    pingError: MaybeText,
  })),
  "mesh routes": v.array(v.strictObject({
    route: v.string(),
    node: v.string(),
    own: v.boolean(),
    advertised: MaybeBoolean,
    approved: MaybeBoolean,
    served: v.boolean(),
    kernel: MaybeBoolean,
  })),
  "mesh whois": v.strictObject({
    address: v.string(),
    name: v.string(),
    addresses: Texts,
    tags: Texts,
    user: v.string(),
    route: MaybeText,
  }),
  "mesh check": v.strictObject({
    ok: v.boolean(),
    conditions: v.array(v.strictObject({
      number: v.number(),
      id: v.string(),
      title: v.string(),
      verdict: Verdict,
      evidence: v.string(),
      fix: v.string(),
    })),
    conflicts: Texts,
    warnings: Texts,
    probes: v.array(v.strictObject({
      peer: v.string(),
      prefix: v.string(),
      verdict: Verdict,
      text: v.string(),
    })),
  }),
  "mesh policy": v.strictObject({ policy: v.string(), clusterCidrs: Texts }),
  "config show": v.strictObject({
    file: MaybeText,
    settings: v.array(v.strictObject({
      key: v.string(),
      value: v.unknown(),
      isSet: v.boolean(),
      isSecret: v.boolean(),
      from: v.string(),
    })),
    warnings: Texts,
  }),
  "config validate": v.strictObject({
    file: v.string(),
    faults: v.array(
      v.strictObject({ where: v.string(), key: v.optional(v.string()), text: v.string() }),
    ),
    warnings: Texts,
  }),
  "doctor": v.strictObject({
    ok: v.boolean(),
    checks: v.array(v.strictObject({
      id: v.string(),
      group: v.string(),
      title: v.string(),
      verdict: v.picklist(["pass", "warn", "fail", "skip"]),
      evidence: v.string(),
      fix: v.string(),
      remedy: MaybeText,
      readme: v.pipe(v.string(), v.startsWith("README.md#")),
    })),
    fixes: v.array(v.never()),
  }),
  "config explain": v.strictObject({
    settings: v.array(v.strictObject({
      key: v.string(),
      doc: v.string(),
      wanted: v.string(),
      default: v.unknown(),
      keys: Texts,
      variables: Texts,
      lastVariables: Texts,
      flags: Texts,
    })),
  }),
  "backup": v.looseObject({ kind: v.literal("headcni-backup"), format: v.literal(1) }),
  "install": Install,
  "uninstall": v.strictObject({ pods: v.number(), done: Texts, kept: Texts, failures: Texts }),
  "upgrade": v.strictObject({
    release: v.string(),
    from: v.string(),
    done: Texts,
    next: Texts,
    missing: v.nullable(Texts),
  }),
  "restore": v.strictObject({
    node: v.string(),
    created: Time,
    files: v.array(
      v.strictObject({ path: v.string(), change: v.picklist(["new", "other"]), lines: Texts }),
    ),
    addresses: v.nullable(v.strictObject({ imported: v.number(), present: v.number() })),
    install: v.nullable(Install),
  }),
} as const satisfies Readonly<Record<string, v.GenericSchema>>;
