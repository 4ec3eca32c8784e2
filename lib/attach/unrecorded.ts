/** DEL of what the store knows nothing of: made by an older plugin, or before the store was lost. */
import type { Member } from "../attachment.ts";
import type { Request } from "../cni/request.ts";
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { isOlderStateFile, parseOlderState } from "../pod/older_state.ts";
import type { AttachContext } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { deleteMembers } from "./members.ts";
import { resolveIfPossible } from "./resolve.ts";

/** Where the older plugins kept what they had done, unless told otherwise. */
const OLDER_DIRECTORY = "/var/lib/cni/headcni";

/** What an older plugin left of an attachment. */
interface OlderState {
  readonly members: readonly Member[];
  /** Paths of its files. */
  readonly files: readonly string[];
}

/**
 * Undoes what an older plugin says it did, else what today's configuration would have done.
 * @param options.isCertain there was no ADD that is not over: a failure of members, of which there may
 * never have been any, is told by the log alone.
 * @throws ClientError or PluginError of what an older plugin recorded, of an IPAM plugin, or of members.
 */
export async function deleteUnrecorded(
  request: Request,
  context: AttachContext,
  { isCertain }: { readonly isCertain: boolean },
): Promise<void> {
  const { prevResult } = request.config.raw;
  const older = findOlderState(request, context);
  if (older) {
    await deleteMembers(older.members, request, prevResult, context);
    older.files.forEach(removeFile);
    return;
  }
  const { members, request: resolved } = resolveIfPossible(request, context);
  if (!members) return void await callForeignIpam("DEL", request, resolved.config.raw);
  await deleteMembers(members, request, prevResult, context).catch((error) => {
    if (!isCertain) throw error;
  });
}

/** Another DEL of the same container may be first. */
function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Looks in the directories that an older plugin may have used; its files name containers only. */
function findOlderState(request: Request, context: AttachContext): OlderState | undefined {
  const { config, containerId } = request;
  const named = typeof config.raw.dataDir === "string" ? config.raw.dataDir : "";
  for (const directory of [named, context.dataDirectory ?? "", OLDER_DIRECTORY]) {
    if (directory === "") continue;
    const texts = readOlderFiles(directory, containerId);
    const { members, files, faults } = parseOlderState(texts, config, containerId);
    for (const fault of faults) log.warn(fault, { directory });
    if (members.length > 0) return { members, files: files.map((name) => `${directory}/${name}`) };
  }
  return undefined;
}

/** Texts by file name; a folder that is not there, or cannot be read, has none. */
function readOlderFiles(directory: string, containerId: string): Map<string, string> {
  const texts = new Map<string, string>();
  try {
    for (const { name } of Deno.readDirSync(directory)) {
      if (!isOlderStateFile(name, containerId)) continue;
      texts.set(name, Deno.readTextFileSync(`${directory}/${name}`));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      log.warn(`Cannot read what an older plugin left in "${directory}": ${errorText(error)}`);
    }
  }
  return texts;
}
