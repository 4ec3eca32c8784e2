/**
 * ADD by members: each is recorded before it runs, so that a kill is undone too, and gets the result
 * of those before it.
 */
import type { Member } from "../attachment.ts";
import { ERROR_CODES, PluginError } from "../cni/codes.ts";
import type { Request } from "../cni/request.ts";
import type { Result } from "../cni/result.ts";
import { formatResult, parseResult } from "../cni/result_codec.ts";
import { NotStarted } from "../delegate/call.ts";
import { killUnfinished } from "../delegate/unfinished.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";
import { log } from "../log.ts";
import { enrichResult } from "../pod/enrich.ts";
import { attachNative, planNative } from "./attach_native.ts";
import { callMember, nativeRequest } from "./members.ts";
import { intentIsRecorded, type Ongoing, recordIntent, undoLater } from "./ongoing.ts";
import { writeReclaiming } from "./reclaim.ts";

/**
 * Runs the members in their order, and leaves it to the caller to record the outcome.
 * @param subnet whose cluster networks the result names, where the configuration was made by it.
 * @throws PluginError with the code of the member that failed, or as {@linkcode attachNative}; those
 * before it are undone with the rest of the ADD.
 */
export async function attachMembers(
  members: readonly Member[],
  subnet: SubnetFile | undefined,
  ongoing: Ongoing,
): Promise<Result> {
  const { prevResult } = ongoing.request.config;
  let result = prevResult;
  for (const [at, member] of members.entries()) {
    ongoing.attachment = {
      ...ongoing.attachment,
      members: members.slice(0, at + 1),
      ...result && { result: toJson(result, ongoing.request) },
    };
    result = await addMember(member, result, ongoing);
  }
  const answer = enrichResult(result ?? { interfaces: [], ips: [], routes: [], dns: {} }, subnet);
  ongoing.attachment = { ...ongoing.attachment, result: toJson(answer, ongoing.request) };
  return answer;
}

async function addMember(
  member: Member,
  before: Result | undefined,
  ongoing: Ongoing,
): Promise<Result> {
  const { request } = ongoing;
  const { cniVersion } = request.config;
  const prevResult = before && toJson(before, request);
  if (member.kind === "native") {
    const own = nativeRequest(member, request, prevResult);
    return await attachNative(ongoing.opened.use(planNative(own, ongoing.context)), ongoing);
  }
  await writeReclaiming(
    ongoing.store,
    request,
    ongoing.context,
    (tx) => recordIntent(tx, ongoing),
  );
  intentIsRecorded(ongoing);
  let isStarted = true;
  const remove = async () => {
    if (!isStarted) return;
    await killUnfinished(ongoing.attachment.key); // a plugin that was killed leaves its own children
    await callMember("DEL", member, request, prevResult);
  };
  undoLater(ongoing, `undo the plugin "${member.type}"`, remove);
  const printed = await addOnceMore(member, request, prevResult, remove).catch((error) => {
    isStarted = !(error instanceof NotStarted);
    throw error;
  });
  return parseResult(printed, `result of plugin "${member.type}"`, cniVersion);
}

/**
 * ADD of a plugin; once more after its DEL when it says that another try may work: SPEC.md section 5,
 * "Error". An ADD without a DEL before it would not be the same call again.
 */
async function addOnceMore(
  member: Member,
  request: Request,
  prevResult: unknown,
  remove: () => Promise<void>,
): Promise<unknown> {
  try {
    return await callMember("ADD", member, request, prevResult);
  } catch (error) {
    if (!(error instanceof PluginError) || error.code !== ERROR_CODES["try-again"]) throw error;
    log.warn("Try a plugin once more, as it asks for", { type: member.type, error });
    try {
      await remove();
    } catch (failure) {
      log.warn("Cannot try it once more: its DEL failed", { type: member.type, error: failure });
      throw error;
    }
    return await callMember("ADD", member, request, prevResult);
  }
}

/**
 * The result as plugins get it. The specification has it since 0.3.0, but runtimes send it at each
 * version, and plugins that come later in a chain need it: `buildOneConfig` in libcni/api.go.
 */
function toJson(result: Result, { config }: Request): Record<string, unknown> {
  return formatResult(result, config.cniVersion);
}
