/** What the verbs of `headcni mesh` share. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { examineMesh, type MeshExamination } from "../../../lib/daemon/mesh/examine.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { pluginContext } from "../../context.ts";
import { outputOption } from "../command_line.ts";
import type { OutputFormat } from "../print.ts";
import { readSettings, settingsOption, type SettingsOptions } from "../settings.ts";

/** What every verb is told. */
export interface MeshOptions extends SettingsOptions {
  readonly output: OutputFormat;
}

/** Adds a verb that works by the settings of the daemon. */
export function addVerb(mesh: Command, usage: string, description: string): Command {
  return mesh.command(usage)
    .description(description)
    .addOption(settingsOption())
    .addOption(outputOption());
}

/**
 * Looks at the mesh of this node, whether the daemon runs or not.
 * @throws ConfigError when the settings cannot be used, or say that there is no tailnet.
 */
export function examine(
  options: MeshOptions,
  env: Environment,
  probe = false,
): Promise<MeshExamination> {
  const loaded = readSettings(options, env);
  requireMesh(loaded);
  const { node } = pluginContext(env);
  return examineMesh(loaded, {
    root: env.HEADCNI_HOST_ROOT ?? "",
    openHost: () => node.openHost(),
    podCidrVariable: env.NODE_POD_CIDR || undefined,
    probe,
  });
}

/** @throws ConfigError when the settings say that there is no tailnet. */
export function requireMesh({ settings: { tailscale } }: LoadedSettings): void {
  if (tailscale.mode !== "off") return;
  throw new ConfigError(
    "invalid-config",
    "Cannot look at the mesh: tailscale.mode is off; set it to host or own to have one",
  );
}
