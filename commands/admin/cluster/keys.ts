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
const MANAGED_BY = "app.kubernetes.io/managed-by";
const OWN_NAME = "headcni";
/** Marks a Secret that we made, and may remove. */
export const OWN_LABEL = `${MANAGED_BY}=${OWN_NAME}`;
/** Name and manager of each, and nothing of what is in it. */
const MANAGERS =
  "jsonpath={range .items[*]}{.metadata.name}={.metadata.labels.app\\.kubernetes\\.io/managed-by}{end}";

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
 * @returns what the chart is told of it; undefined without any key.
 * @throws ConfigError when a key cannot be read or the Secret is Helm's; ClientError when the cluster refuses it.
 */
export async function applyKeys(
  kubectl: Kubectl,
  flags: KeyFlags & AccessOptions & { readonly dryRun?: boolean },
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
  const isOurs = await isOwnSecret(kubectl, name);
  for (const [key, text] of flags.dryRun ? [] : Object.entries(keys)) {
    const stdin = JSON.stringify(secretManifest(name, flags, isOurs, [key, text]));
    await kubectl.run(`write Secret "${name}"`, applyArguments(key), { stdin });
  }
  return {
    name,
    headscaleKey: authKeyFile === undefined ? undefined : HEADSCALE_KEY,
    tailscaleKey: joinKeyFile === undefined ? undefined : TAILSCALE_KEY,
  };
}

/**
 * Whether we make the Secret or have made it: one that a person made stays theirs, with our key in it.
 * @throws ConfigError when Helm made it, which would take it away with the values that it comes from.
 */
async function isOwnSecret(kubectl: Kubectl, name: string): Promise<boolean> {
  const get = ["get", "secrets", `--field-selector=metadata.name=${name}`, `--output=${MANAGERS}`];
  const [, manager] = (await kubectl.run(`look for Secret "${name}"`, get)).trim().split("=");
  if (manager !== "Helm") return manager === undefined || manager === OWN_NAME;
  throw new ConfigError(
    "invalid-config",
    `Cannot write Secret "${name}": the chart made it of keys in its values; take config.headscale.authKey ` +
      "and config.tailscale.authKey out of them first, by --values with null in their place",
  );
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
  isOurs: boolean,
  [key, text]: readonly [string, string],
): unknown {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      ...{ name, namespace },
      ...isOurs && {
        labels: { [MANAGED_BY]: OWN_NAME, "app.kubernetes.io/instance": releaseName },
      },
    },
    type: "Opaque",
    data: { [key]: new TextEncoder().encode(text).toBase64() },
  };
}
