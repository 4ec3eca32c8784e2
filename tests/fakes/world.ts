/** A node whose boots, clocks and namespaces a test makes up, for the verbs of IPAM. */
import type { AttachContext } from "../../lib/attach/context.ts";
import { parseNetworkConfig } from "../../lib/cni/network_config.ts";
import type { Request, Verb } from "../../lib/cni/request.ts";
import { listedHost } from "./listed_host.ts";
import type { StoreOptions } from "../../lib/store/store.ts";

/** Time, boots and namespaces; disposing of it removes its directory. */
export interface World extends AsyncDisposable {
  readonly context: AttachContext;
  readonly storeOptions: StoreOptions;
  readonly bootId: string;
  readonly uptimeMs: number;
  /** Lets time pass. */
  pass(milliseconds: number): void;
  /** Starts another boot; what lies at the paths of namespaces stays. */
  reboot(): void;
  /** Where the namespace of a pod is in this boot. */
  netnsPath(pod: string): string;
}

/**
 * Makes a world.
 * @param random whole numbers below a bound, such as those of `seededRandom`.
 */
export async function makeWorld(random: (bound: number) => number): Promise<World> {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  let boot = 1;
  let uptimeMs = 1_000;
  const refuse = () => {
    throw new Error("the kernel was asked");
  };
  const storeOptions = { directory: `${root}/store`, runDirectory: `${root}/run` };
  return {
    storeOptions,
    context: {
      node: {
        openHost: () => listedHost([]),
        openFirewall: refuse,
        bootId: () => `boot-${boot}`,
        uptimeMs: () => uptimeMs,
      },
      runDirectory: storeOptions.runDirectory,
      dataDirectory: storeOptions.directory,
      resultsDirectory: `${root}/results`,
      self: [],
      allowOwnNetns: false,
      nowMs: () => random(2 ** 31), // a clock that nobody can trust
      random: () => random(2 ** 31) / 2 ** 31,
    },
    get bootId() {
      return `boot-${boot}`;
    },
    get uptimeMs() {
      return uptimeMs;
    },
    pass(milliseconds) {
      uptimeMs += milliseconds;
    },
    reboot() {
      boot += 1;
      uptimeMs = random(30_000);
    },
    netnsPath: (pod) => `${root}/${pod}-boot-${boot}`,
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** A call of a runtime, as a role gets it; `valid` is the list that GC is given. */
export function makeRequest(
  verb: Verb,
  pod: string,
  ipam: Record<string, unknown>,
  netns: string,
  valid?: readonly string[],
): Request {
  const raw = {
    cniVersion: "1.1.0",
    name: "pods",
    ipam: { type: "headcni-ipam", ...ipam },
    ...valid && {
      "cni.dev/valid-attachments": valid.map((id) => ({ containerID: id, ifname: "eth0" })),
    },
  };
  return {
    verb,
    containerId: pod,
    netns,
    ifname: "eth0",
    argsText: "",
    args: new Map(),
    pod: {},
    path: [],
    config: parseNetworkConfig(raw, "1.1.0", verb),
  };
}
