import { join } from "@std/path";
import { isPresent } from "../../../lib/attach/left_over.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import type { DoctorOptions } from "../../../lib/daemon/doctor/scene.ts";
import { readInstallRecord } from "../../../lib/daemon/install/observe.ts";
import { type Examination, examineSettings } from "../../../lib/daemon/settings/load.ts";
import { formatFault } from "../../../lib/daemon/settings/given.ts";
import { readFlags } from "../../../lib/daemon/settings/read_flags.ts";
import { resolveSettings } from "../../../lib/daemon/settings/resolve.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { ownExecutable, pluginContext } from "../../context.ts";

/**
 * What the doctor works with. A file that cannot be used is a finding, and those without it stand in.
 * @throws ConfigError when not even the defaults can be used.
 */
export function doctorOptions(config: string | undefined, env: Environment): DoctorOptions {
  const line = { ...readFlags([]), configPath: config };
  const examined = examineSettings({ line, env });
  const loaded = usable(examined) ?? withoutFile(env, examined.path) ?? withoutFile({}, "");
  if (!loaded) {
    throw new ConfigError("invalid-config", "Cannot use even the defaults of the settings");
  }
  const { dataDir: dataDirectory, runDirectory } = loaded.settings;
  const context = pluginContext(env);
  return {
    loaded,
    settings: isForbidden(examined) ? { blind: `needs root: ${examined.path} may not be read` } : {
      saw: {
        path: examined.file ?? `${examined.path} is not there: all defaults`,
        faults: examined.faults.map(formatFault),
        warnings: examined.warnings,
      },
    },
    attach: { ...context, dataDirectory, runDirectory },
    root: env.HEADCNI_HOST_ROOT ?? "",
    executable: installedProgram(dataDirectory) ?? ownExecutable(context),
  };
}

/**
 * The program that "headcni install" put on this node: a copy that lies elsewhere, maybe of another release,
 * judges by it what runtimes call.
 */
function installedProgram(dataDir: string): string | undefined {
  try {
    const record = readInstallRecord(dataDir);
    const path = record && join(record.prefix, "headcni");
    return path !== undefined && isPresent(path) ? path : undefined;
  } catch {
    return undefined; // it may not be read, or makes no sense: then this program is all that is known
  }
}

function usable(
  { settings, origins, warnings, file, path }: Examination,
): LoadedSettings | undefined {
  return settings && { settings, origins, warnings, file, path };
}

function withoutFile(env: Environment, path: string): LoadedSettings | undefined {
  const request = { flags: readFlags([]), env, file: undefined, hostname: Deno.hostname() };
  const resolved = resolveSettings(request);
  return usable({ ...resolved, file: undefined, path });
}

/** A file that only root may read has no fault that we know of. */
function isForbidden({ settings, file }: Examination): boolean {
  if (settings || file === undefined) return false;
  try {
    Deno.openSync(file).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied;
  }
}
