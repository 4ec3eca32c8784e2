/** Keys of Headscale and Tailscale: out of files or standard input, into a Secret; never an argument. */
import type { Command } from "commander";
import type { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { Secret } from "../../../lib/daemon/settings/secret.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { readStdin } from "../../streams.ts";
import type { AccessOptions } from "./access_options.ts";
import type { KeySecret } from "./release_values.ts";

/** Where the keys are; `-` is standard input. */
export interface KeyFlags {
  readonly authKeyFile?: string;
  readonly joinKeyFile?: string;
}

const STDIN = "-";
const MAX_KEY_BYTES = 64 * 1024;
/** Names in the Secret: those of the chart. */
const HEADSCALE_KEY = "auth-key";
const TAILSCALE_KEY = "tailscale-auth-key";
/** Marks a Secret that we made, and may remove. */
export const OWN_LABEL = "app.kubernetes.io/managed-by=headcni";

/** Adds the flags to a verb. */
export function addKeyFlags(verb: Command): Command {
  return verb
    .option("--auth-key-file <path>", 'an API key of Headscale; "-" reads standard input')
    .option(
      "--join-key-file <path>",
      'a pre-auth key by which nodes join; "-" reads standard input',
    );
}

/** Name of the Secret of a release, as of the older system. */
export function keySecretName({ releaseName }: Pick<AccessOptions, "releaseName">): string {
  return `${releaseName}-auth`;
}

/**
 * Reads the keys, and puts them into a Secret of the release.
 * @param kubectl undefined to change nothing.
 * @returns what the chart is told of it; undefined without any key.
 * @throws ConfigError when a key cannot be read; ClientError when the cluster refuses it.
 */
export async function applyKeys(
  kubectl: Kubectl | undefined,
  flags: KeyFlags & AccessOptions,
): Promise<KeySecret | undefined> {
  const { authKeyFile, joinKeyFile } = flags;
  if (authKeyFile === undefined && joinKeyFile === undefined) return undefined;
  if (authKeyFile === STDIN && joinKeyFile === STDIN) {
    throw new ConfigError("invalid-config", "Cannot read two keys from standard input: one wanted");
  }
  const keys = {
    ...authKeyFile !== undefined && { [HEADSCALE_KEY]: readKey(authKeyFile) },
    ...joinKeyFile !== undefined && { [TAILSCALE_KEY]: readKey(joinKeyFile) },
  };
  const name = keySecretName(flags);
  for (const [key, text] of Object.entries(keys)) {
    const stdin = JSON.stringify(secretManifest(name, flags, [key, text]));
    await kubectl?.run(`write Secret "${name}"`, applyArguments(key), { stdin });
  }
  return {
    name,
    headscaleKey: authKeyFile === undefined ? undefined : HEADSCALE_KEY,
    tailscaleKey: joinKeyFile === undefined ? undefined : TAILSCALE_KEY,
  };
}

/**
 * Not kept in an annotation, as an apply of the client would. What an apply leaves out, the API server
 * takes from the manager that owned it: each key has one of its own, or a new key would remove the other.
 */
function applyArguments(key: string): string[] {
  return [
    ...["apply", "--server-side", "--force-conflicts", `--field-manager=headcni-${key}`],
    ...["--filename=-"],
  ];
}

function readKey(path: string): string {
  if (path !== STDIN) return Secret.inFile(path).reveal();
  const key = new TextDecoder().decode(readStdin(MAX_KEY_BYTES)).trim();
  if (key !== "") return key;
  throw new ConfigError("invalid-config", "Cannot read the key: nothing is in standard input");
}

function secretManifest(
  name: string,
  { namespace, releaseName }: AccessOptions,
  [key, text]: readonly [string, string],
): unknown {
  const [label = "", value] = OWN_LABEL.split("=");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      ...{ name, namespace },
      labels: { [label]: value, "app.kubernetes.io/instance": releaseName },
    },
    type: "Opaque",
    data: { [key]: new TextEncoder().encode(text).toBase64() },
  };
}
