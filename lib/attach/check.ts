/** CHECK: reads only. */
import type { Member } from "../attachment.ts";
import { errorText } from "../errors.ts";
import { requirePrevResult } from "../cni/network_config.ts";
import type { Request } from "../cni/request.ts";
import { resultForCheck } from "../pod/enrich.ts";
import { hasMembers } from "../pod/members.ts";
import { formatResult } from "../cni/result_codec.ts";
import { findAttachment } from "../store/attachments.ts";
import { checkFailure, checkNative } from "./check_native.ts";
import { type AttachContext, attachmentKey } from "./context.ts";
import { callMember, nativeRequest } from "./members.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";
import { resolveIfPossible, resolveRequest } from "./resolve.ts";

/**
 * Compares the runtime's memory of ADD with kernel, firewall and store, or has the members of a
 * configuration do so: those that ADD recorded.
 * @throws ConfigError `check-failure` that names every difference; PluginError of the only member that
 * found one.
 */
export async function check(request: Request, context: AttachContext): Promise<void> {
  if (!hasMembers(request.config.raw)) {
    return await checkNative(resolveRequest(request, context).request, context);
  }
  const recorded = await recordedMembers(request, context);
  // Who has a record needs no subnet file, but for what it added to the result.
  const { members = [], subnet } = recorded
    ? { ...resolveIfPossible(request, context), members: recorded }
    : resolveRequest(request, context);
  const expected = resultForCheck(requirePrevResult(request.config), subnet);
  const prevResult = formatResult(expected, request.config.cniVersion);
  const failures: unknown[] = [];
  for (const member of members) {
    await checkMember(member, request, prevResult, context)
      .catch((error) => failures.push(error));
  }
  if (failures.length > 1) throw checkFailure(request, failures.map(errorText));
  if (failures.length === 1) throw failures[0];
}

async function checkMember(
  member: Member,
  request: Request,
  prevResult: unknown,
  context: AttachContext,
): Promise<void> {
  if (member.kind === "plugin") await callMember("CHECK", member, request, prevResult);
  else await checkNative(nativeRequest(member, request, prevResult), context);
}

async function recordedMembers(
  request: Request,
  context: AttachContext,
): Promise<readonly Member[] | undefined> {
  await using store = await openRequestStoreIfPresent(request, context);
  const attachment = await store?.read((reader) => findAttachment(reader, attachmentKey(request)));
  return attachment?.members;
}
