/** What the container runtimes of this node say of their network. */
import { join } from "@std/path";
import * as v from "valibot";
import type { Environment } from "../../../lib/cni/environment.ts";
import { crictlInfo } from "../../../lib/delegate/crictl.ts";
import { ClientError, errorText } from "../../../lib/errors.ts";
import { parseWith } from "../../../lib/schema.ts";

/** A runtime, as it is told; null is not known. */
export interface RuntimeView {
  /** Its CRI socket, which is there. */
  readonly socket: string;
  /** Whether it says that pods can have a network; null when it was not asked. */
  readonly networkReady: boolean | null;
  /** Why not, or what came of reading its configurations; null when that is nothing special. */
  readonly message: string | null;
  /** The folder of configurations that it reads. */
  readonly confDirectory: string | null;
  /** The network that pods get. */
  readonly network: string | null;
}

/**
 * Where runtimes serve the CRI: containerd (its default, and those of k3s with rke2, k0s and
 * microk8s) and CRI-O.
 */
const SOCKETS: readonly string[] = [
  "/run/containerd/containerd.sock",
  "/run/k3s/containerd/containerd.sock",
  "/run/k0s/containerd.sock",
  "/var/snap/microk8s/common/run/containerd.sock",
  "/run/crio/crio.sock",
];

/** `StatusResponse` of the CRI, and what containerd puts into its `info`. */
const Info = v.object({
  status: v.object({
    conditions: v.array(v.object({
      type: v.string(),
      status: v.boolean(),
      message: v.optional(v.string(), ""),
    })),
  }),
  cniconfig: v.optional(v.nullable(v.object({
    PluginConfDir: v.optional(v.string()),
    Networks: v.optional(v.nullable(v.array(v.object({
      Config: v.object({ Name: v.string() }),
      IFName: v.string(),
    })))),
  }))),
  lastCNILoadStatus: v.optional(v.string()),
});

/** Answers of all that are there; what one could not be asked for is said by `tell`. */
export async function readRuntimes(
  root: string,
  env: Environment,
  tell: (trouble: string) => void,
): Promise<RuntimeView[]> {
  const sockets = SOCKETS.map((socket) => join(root, socket)).filter(isSocket);
  return await Promise.all(sockets.map(async (socket) => {
    try {
      const text = await crictlInfo(socket, env);
      return text === undefined ? { socket, ...NOT_ASKED } : { socket, ...viewInfo(socket, text) };
    } catch (error) {
      tell(errorText(error));
      return { socket, ...NOT_ASKED };
    }
  }));
}

const NOT_ASKED = {
  networkReady: null,
  message: null,
  confDirectory: null,
  network: null,
} as const;

/** Loaded well: containerd's own word. */
const LOADED = "OK";

function viewInfo(socket: string, text: string): Omit<RuntimeView, "socket"> {
  const { status, cniconfig, lastCNILoadStatus: loaded = LOADED } = parseInfo(socket, text);
  const ready = status.conditions.find(({ type }) => type === "NetworkReady");
  const pods = cniconfig?.Networks?.find(({ IFName }) => IFName !== "lo");
  return {
    networkReady: ready?.status ?? null,
    message: (ready?.message ?? "") || (loaded === LOADED ? null : loaded),
    confDirectory: cniconfig?.PluginConfDir ?? null,
    network: pods?.Config.Name ?? null,
  };
}

function parseInfo(socket: string, text: string): v.InferOutput<typeof Info> {
  try {
    return parseWith(Info, JSON.parse(text), "its answer");
  } catch (cause) {
    throw new ClientError(
      "delegate-failure",
      `Cannot understand what crictl says of "${socket}": ${errorText(cause)}`,
      { cause },
    );
  }
}

function isSocket(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket ?? false;
  } catch {
    // A folder of root's own, or none: whoever may not see it may not ask it either.
    return false;
  }
}
