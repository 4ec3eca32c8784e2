/** The members of a configuration, called and undone. */
import type { Member } from "../attachment.ts";
import { parseNetworkConfig } from "../cni/network_config.ts";
import type { Request, Verb } from "../cni/request.ts";
import { callPlugin } from "../delegate/call.ts";
import { log } from "../log.ts";
import { type AttachContext, attachmentKey } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { removeLinks } from "./remove_links.ts";

/** Runtimes give a DEL two minutes; each member must have its turn, though all others hang. */
const DELETE_BUDGET_MS = 90_000;

/**
 * Calls the plugin that a member is.
 * @param prevResult result of those before it, as JSON, if there is one.
 * @param deadlineMs as for `callPlugin`.
 * @returns what ADD printed, undefined for the other verbs.
 * @throws ClientError or PluginError.
 */
export async function callMember(
  verb: Verb,
  { type, config }: Member,
  request: Request,
  prevResult: unknown,
  deadlineMs?: number,
): Promise<unknown> {
  const whole = prevResult === undefined ? config : { ...config, prevResult };
  return await callPlugin({ type, verb, request, config: whole, ...deadlineMs && { deadlineMs } });
}

/** The call of our own network plugin as a member. */
export function nativeRequest(
  { config }: Member,
  request: Request,
  prevResult: unknown,
): Request {
  const { config: { cniVersion }, verb } = request;
  const raw = prevResult === undefined ? config : { ...config, prevResult };
  return { ...request, config: parseNetworkConfig(raw, cniVersion, verb) };
}

/**
 * Undoes the members of the attachment that a request is about, the last first, going on after a
 * failure.
 * @param prevResult the result of the last that finished, as JSON.
 * @throws what the last one that failed threw.
 */
export async function deleteMembers(
  members: readonly Member[],
  request: Request,
  prevResult: unknown,
  context: AttachContext,
): Promise<void> {
  const key = attachmentKey(request);
  const deadlineMs = DELETE_BUDGET_MS / Math.max(members.length, 2);
  const failures: unknown[] = [];
  for (const member of members.toReversed()) {
    try {
      if (member.kind === "plugin") {
        await callMember("DEL", member, request, prevResult, deadlineMs);
      } else await deleteNative(member, request, context);
    } catch (error) {
      failures.push(error);
      log.warn(`Cannot undo the plugin "${member.type}"`, { ...key, error });
    }
  }
  if (failures.length > 0) throw failures.at(-1);
}

async function deleteNative(
  { config }: Member,
  request: Request,
  context: AttachContext,
): Promise<void> {
  using host = context.node.openHost();
  await removeLinks(host, attachmentKey(request));
  await callForeignIpam("DEL", request, config);
}
