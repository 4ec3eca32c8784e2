/** What `headcni daemon` answers before it runs: help, release, settings, and what is wrong. */
import { loadSettings, type SettingsRequest } from "../../lib/daemon/settings/load.ts";
import { daemonHelp } from "../../lib/daemon/settings/help.ts";
import { readFlags } from "../../lib/daemon/settings/read_flags.ts";
import type { LoadedSettings } from "../../lib/daemon/settings/settings.ts";
import { formatSettings, tellSettings } from "../../lib/daemon/settings/tell.ts";
import { ConfigError } from "../../lib/errors.ts";
import { VERSION } from "../../lib/version.ts";

/** What is left to do once the command line was read. */
export type Answer =
  /** All is said. */
  | { readonly kind: "done"; readonly code: number }
  /** To run. `request` reads the settings again on a reload, of the same flags and environment. */
  | { readonly kind: "run"; readonly loaded: LoadedSettings; readonly request: SettingsRequest };

/** Exit code for what the caller must change. */
const MISUSED = 2;

/** Reads the command line and the settings, and prints what was asked for. */
export function answerCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Answer {
  const line = readFlags(args);
  if (line.action === "help") return say(daemonHelp());
  if (line.action === "version") return say(`headcni ${VERSION}`);
  const request = { line, env };
  try {
    const loaded = loadSettings(request);
    if (line.action === "run") return { kind: "run", loaded, request };
    loaded.warnings.forEach((warning) => console.error(`headcni: warning: ${warning}`));
    return say(formatSettings(tellSettings(loaded.settings, loaded.origins)));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`headcni: ${error.message}`);
    if (error.details) console.error(error.details);
    return { kind: "done", code: MISUSED };
  }
}

function say(text: string): Answer {
  console.log(text);
  return { kind: "done", code: 0 };
}
