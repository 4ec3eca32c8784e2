import { ENTRIES, type Entry } from "./catalogue.ts";
import { giveText, joinLayers, type Layer } from "./given.ts";

/** The environment of a process. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What Kubernetes sets for a service that happens to be called `metrics`: `METRICS_PORT` is then
 * `tcp://10.96.0.7:9001` (Kubernetes, "Accessing the Service", environment variables).
 */
const SERVICE_LINK = /^(?:tcp|udp|sctp):\/\//;

/** Reads the variables that win over the file. An empty variable is none. */
export function readEnv(env: Environment): Layer {
  return joinLayers(ENTRIES.map((entry) => readFirst(entry, entry.setting.env ?? [], env)));
}

/** Reads the variables that count only where nobody else gives the setting. */
export function readFallbackEnv(env: Environment): Layer {
  return joinLayers(ENTRIES.map((entry) => readFirst(entry, entry.setting.fallbackEnv ?? [], env)));
}

/** The names of a setting's variables, those for the file of a secret too. */
export function variablesOf(names: readonly string[], isSecret: boolean): string[] {
  return names.flatMap((name) => isSecret ? [name, `${name}_FILE`] : [name]);
}

function readFirst(entry: Entry, names: readonly string[], env: Environment): Layer {
  const warnings: string[] = [];
  const { isSecret } = entry.setting;
  for (const name of variablesOf(names, isSecret)) {
    const text = env[name]?.trim() ?? "";
    if (text === "") continue;
    if (name.endsWith("_PORT") && SERVICE_LINK.test(text)) {
      warnings.push(
        `env ${name}: not used, for Kubernetes set it for a service; enableServiceLinks: false ` +
          `in the pod ends that`,
      );
      continue;
    }
    const isFile = isSecret && name.endsWith("_FILE");
    return joinLayers([
      giveText(entry, text, { from: "env", name }, isFile),
      { given: [], faults: [], warnings },
    ]);
  }
  return { given: [], faults: [], warnings };
}
