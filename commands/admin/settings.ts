/** The settings of the daemon, for commands that work by them. */
import { Option } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { DEFAULT_SETTINGS_PATH, loadSettings } from "../../lib/daemon/settings/load.ts";
import { readFlags } from "../../lib/daemon/settings/read_flags.ts";
import type { LoadedSettings } from "../../lib/daemon/settings/settings.ts";

/** What such a command is told. */
export interface SettingsOptions {
  readonly config?: string;
}

/** `--config PATH`: the file of settings. */
export function settingsOption(): Option {
  return new Option(
    "--config <path>",
    `the daemon's file of settings (default: $HEADCNI_CONFIG, else ${DEFAULT_SETTINGS_PATH})`,
  );
}

/**
 * The settings as a daemon of this environment would have them.
 * @throws ConfigError when they cannot be used.
 */
export function readSettings({ config }: SettingsOptions, env: Environment): LoadedSettings {
  return loadSettings({ line: { ...readFlags([]), configPath: config }, env });
}
