import { parseNetworkConfig } from "../../lib/cni/network_config.ts";
import type { Request, Verb } from "../../lib/cni/request.ts";

/**
 * A call of a runtime as a role gets it.
 * @param config keys of the network configuration, of the network "pods" unless told otherwise.
 * @param call what is not as usual: container `c1`, interface `eth0`, nothing else known.
 */
export function makeRequest(
  verb: Verb,
  config: Readonly<Record<string, unknown>>,
  call: Partial<Omit<Request, "verb" | "config">> = {},
): Request {
  const raw = { cniVersion: "1.1.0", name: "pods", ...config };
  return {
    verb,
    containerId: "c1",
    netns: "",
    ifname: "eth0",
    argsText: "",
    args: new Map(),
    pod: {},
    path: [],
    ...call,
    config: parseNetworkConfig(raw, "1.1.0", verb),
  };
}
