/** A node of a test's own on which the administrator's commands are run. */
import type { PodReference } from "../../lib/attachment.ts";
import { parseAddress } from "../../lib/net/address.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { bootId, netns, uptimeMs } from "../../lib/platform.ts";
import { type Lease, releaseLease, restoreLease } from "../../lib/store/leases.ts";
import { stageNetwork } from "../../lib/store/networks.ts";
import { openStore, type Store } from "../../lib/store/store.ts";
import { keyOf } from "../fakes/lease.ts";
import { runAdmin } from "../fakes/run_admin.ts";
import type { ProgramOutcome } from "./program.ts";

/** What tells leases of a test apart. */
export interface LeaseSeed {
  readonly containerId: string;
  readonly addresses: readonly string[];
  readonly network?: string;
  readonly pod?: PodReference;
  /** The namespace of the test's own process unless given. */
  readonly netns?: string;
  /** The present boot unless given. */
  readonly bootId?: string;
  readonly restMs?: number;
}

/** A namespace that is there as long as the test runs. */
export const LIVE_NETNS = "/proc/self/ns/net";
/** The path of a namespace that is gone: its folder is there, it is not. */
export const DEAD_NETNS = "/proc/self/ns/hct-gone";

/** The `ipam` section of the network `pods`. */
export const IPAM = {
  type: "headcni-ipam",
  ranges: [[{ subnet: "10.244.0.0/24" }], [{ subnet: "fd00:10::/64" }]],
};

/** How long ago the leases of a test were made, in milliseconds: `3m` for people. */
const AGE_MS = 200_000;

/** Folders of a node, and what was stored there. */
export class AdminNode implements AsyncDisposable {
  /** A temporary directory: all the rest lies in it. */
  readonly root: string;
  /** What the program finds in its environment. */
  readonly env: Record<string, string>;

  private constructor(root: string) {
    this.root = root;
    this.env = {
      HEADCNI_DATA_DIR: `${root}/data`,
      HEADCNI_RUN_DIR: `${root}/run`,
      HEADCNI_RESULTS_DIR: `${root}/results`,
      HEADCNI_LOG_FILE: `${root}/plugin.log`,
      HEADCNI_CONFIG: `${root}/etc/headcni/daemon.yaml`,
      NODE_NAME: "worker-1",
    };
  }

  /** Makes a node where nothing was ever attached. */
  static async make(): Promise<AdminNode> {
    return new AdminNode(await Deno.makeTempDir({ prefix: "hct" }));
  }

  /** Opens the store. */
  openStore(directory = `${this.root}/data`): Promise<Store> {
    return openStore({ directory, runDirectory: `${this.root}/run` });
  }

  /** Stores leases, and what the network is configured with. */
  async seed(leases: readonly LeaseSeed[], directory?: string): Promise<void> {
    await using store = await this.openStore(directory);
    await store.write((tx) => stageNetwork(tx, { network: "pods", ipam: IPAM }, undefined));
    for (const seed of leases) await store.write((tx) => restoreLease(tx, leaseOf(seed)));
  }

  /** Releases the lease of a container, whose addresses rest from now on. */
  async release(containerId: string): Promise<void> {
    await using store = await this.openStore();
    const moment = { bootId: bootId(), uptimeMs: uptimeMs() };
    await store.write((tx) => releaseLease(tx, keyOf(containerId), moment));
  }

  /** Runs a command, in this process. */
  run(...args: string[]): Promise<ProgramOutcome> {
    return runAdmin(args, this.env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

/** The lease of a seed. */
export function leaseOf(seed: LeaseSeed): Lease {
  const isOfThisBoot = seed.bootId === undefined;
  return {
    key: keyOf(seed.containerId, seed.network),
    pool: "default",
    addresses: seed.addresses.map((text) => ({
      address: parsePrefix(text),
      gateway: parseAddress(text.includes(":") ? "fd00:10::1" : "10.244.0.1"),
    })),
    pod: seed.pod ?? {},
    netns: seed.netns ?? LIVE_NETNS,
    bootId: seed.bootId ?? bootId(),
    createdMs: Date.now() - AGE_MS,
    createdUptimeMs: isOfThisBoot ? uptimeMs() - AGE_MS : 0,
    hostNetns: netns(),
    restMs: seed.restMs ?? 3_630_000,
  };
}
