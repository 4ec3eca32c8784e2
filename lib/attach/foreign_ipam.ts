/** Addresses from an IPAM plugin of somebody else, run from `CNI_PATH`. */
import type { NetworkConfig, Request, Verb } from "../cni/request.ts";
import { parseResult } from "../cni/result_codec.ts";
import { callPlugin } from "../delegate/call.ts";
import { killUnfinished } from "../delegate/unfinished.ts";
import { log } from "../log.ts";
import { foreignIpamType } from "../pod/ipam_type.ts";
import { attachmentKey } from "./context.ts";
import type { IpamAnswer } from "./own_ipam.ts";

/**
 * Passes a verb on to the IPAM plugin that a configuration names, with that configuration; does
 * nothing when the addresses are ours to give.
 * @returns what ADD printed, undefined for the other verbs.
 * @throws ClientError or PluginError.
 */
export async function callForeignIpam(
  verb: Verb,
  request: Request,
  config: NetworkConfig["raw"] = request.config.raw,
): Promise<unknown> {
  const type = foreignIpamType(config);
  return type === undefined ? undefined : await callPlugin({ type, verb, request, config });
}

/**
 * ADD of the IPAM plugin. When it fails its DEL follows, whose own failure only the log tells: it
 * would mostly be the same again.
 */
export async function allocateForeign(request: Request): Promise<IpamAnswer> {
  const { cniVersion, ipam } = request.config;
  try {
    const printed = await callForeignIpam("ADD", request);
    return parseResult(printed, `result of IPAM plugin "${ipam?.type}"`, cniVersion);
  } catch (error) {
    await killUnfinished(attachmentKey(request)); // one that was killed leaves its own children
    await callForeignIpam("DEL", request).catch((error) => {
      log.warn("Cannot release the address of a failed ADD", { error });
    });
    throw error;
  }
}
