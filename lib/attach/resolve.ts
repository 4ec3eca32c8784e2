/** A request as it is carried out: with what its configuration leaves to the node's subnet file. */
import type { Member } from "../attachment.ts";
import type { NetworkConfig, Request } from "../cni/request.ts";
import {
  DEFAULT_SUBNET_FILES,
  parseSubnetFile,
  type SubnetFile,
} from "../discovery/subnet_file.ts";
import { ConfigError, errorText } from "../errors.ts";
import { hasMembers, needsSubnet, planMembers, requireMembers } from "../pod/members.ts";
import { lacksRange, withSubnet } from "../pod/native_subnet.ts";
import type { AttachContext } from "./context.ts";

/** A request, and who carries it out. */
export interface Resolved {
  readonly request: Request;
  /** Undefined when our own network plugin does it alone. */
  readonly members: readonly Member[] | undefined;
  /** The subnet file, where one was needed. */
  readonly subnet: SubnetFile | undefined;
}

/**
 * Reads the subnet file where a configuration needs it, and plans its members where it has some.
 * @throws ConfigError.
 */
export function resolveRequest(request: Request, context: AttachContext): Resolved {
  const { config, config: { raw } } = request;
  if (hasMembers(raw)) {
    requireMembers(config);
    const subnet = needsSubnet(raw) ? readSubnet(config, context) : undefined;
    return { request, members: planMembers(config, subnet), subnet };
  }
  if (!lacksRange(config)) return { request, members: undefined, subnet: undefined };
  const subnet = readSubnet(config, context);
  return {
    request: { ...request, config: withSubnet(config, subnet) },
    members: undefined,
    subnet,
  };
}

/**
 * {@linkcode resolveRequest} for those who take away: what cannot be known counts as nothing, and
 * `fault` says why.
 */
export function resolveIfPossible(
  request: Request,
  context: AttachContext,
): Resolved & { readonly fault?: string } {
  try {
    return resolveRequest(request, context);
  } catch (error) {
    const members = hasMembers(request.config.raw) ? [] : undefined;
    return { request, members, subnet: undefined, fault: errorText(error) };
  }
}

function readSubnet({ name, raw }: NetworkConfig, { env }: AttachContext): SubnetFile {
  const named = raw.subnetFile || env.HEADCNI_SUBNET_FILE;
  if (!named) {
    const source = DEFAULT_SUBNET_FILES.map(readIfPresent).find((found) => found !== undefined);
    return parseSubnetFile(source, env, DEFAULT_SUBNET_FILES);
  }
  if (typeof named === "string" && named.startsWith("/")) {
    return parseSubnetFile(readIfPresent(named), env, [named]);
  }
  throw new ConfigError(
    "invalid-config",
    `Cannot use subnetFile ${JSON.stringify(named)} of network "${name}": an absolute path wanted`,
  );
}

function readIfPresent(path: string): { path: string; text: string } | undefined {
  try {
    return { path, text: Deno.readTextFileSync(path) };
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError(
      "no-pod-cidr",
      `Cannot read the subnet file "${path}": ${errorText(cause)}`,
      { cause },
    );
  }
}
