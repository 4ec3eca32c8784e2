/** VERSION of a configuration that has other plugins do the work: what all of them speak. */
import type { Request } from "../cni/request.ts";
import { SPEC_VERSIONS, type SpecVersion } from "../cni/version.ts";
import { callPlugin } from "../delegate/call.ts";
import { isOwnName } from "../delegate/find.ts";
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { DEFAULT_DELEGATE_TYPE } from "../pod/ipam_type.ts";

/**
 * Asks the plugins that a configuration names which versions they speak. One that cannot be asked has
 * no say: runtimes ask for versions with a `CNI_PATH` that leads nowhere.
 * @param path directories of `CNI_PATH`.
 * @returns the versions of the specification that we and all of them speak.
 */
export async function commonVersions(
  raw: Request["config"]["raw"],
  path: readonly string[],
): Promise<readonly SpecVersion[]> {
  let common: readonly SpecVersion[] = SPEC_VERSIONS;
  for (const type of executablesOf(raw)) {
    const spoken = await askVersions(type, raw, path);
    if (spoken) common = common.filter((version) => spoken.includes(version));
  }
  return common;
}

/** Names of the executables that a configuration has run, as far as it names them. */
function executablesOf(raw: Request["config"]["raw"]): string[] {
  const members = Array.isArray(raw.plugins) ? raw.plugins.map(Object) : [];
  const named = members.map(({ type, delegate }) => delegate ? delegateType(delegate) : type);
  const all = raw.delegate ? [delegateType(raw.delegate), ...named] : named;
  return all.filter((type) => typeof type === "string" && !isOwnName(type));
}

function delegateType(delegate: unknown): unknown {
  return Object(delegate).type ?? DEFAULT_DELEGATE_TYPE;
}

async function askVersions(
  type: string,
  { cniVersion }: Request["config"]["raw"],
  path: readonly string[],
): Promise<unknown[] | undefined> {
  const call = { containerId: "", netns: "", ifname: "", argsText: "", path };
  try {
    const answer = await callPlugin({
      type,
      verb: "VERSION",
      request: call,
      config: { cniVersion },
    });
    const { supportedVersions } = Object(answer);
    return Array.isArray(supportedVersions) ? supportedVersions : undefined;
  } catch (error) {
    log.debug(`Cannot ask a plugin for its versions: ${errorText(error)}`, { type });
    return undefined;
  }
}
