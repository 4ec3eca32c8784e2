/** Where the objects of a backup are on this node: nothing else is read or written. */
import { join } from "@std/path";
import type { Environment } from "../../../lib/cni/environment.ts";
import { memoryPath } from "../../../lib/daemon/mesh/memory_file.ts";
import { cniDirectories } from "../../../lib/daemon/node_files.ts";
import { lastPodCidrPath } from "../../../lib/daemon/pod_cidr_sources.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { ServiceUnit } from "../../../lib/delegate/service_unit.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { DAEMON_UNIT } from "../../../lib/node/daemon_unit.ts";
import type { Backup } from "./document.ts";

/** Paths of this node. */
export interface BackupPlaces {
  readonly settings: string;
  readonly lastPodCidr: string;
  readonly mesh: string;
  readonly conflists: readonly string[];
  readonly unit: string;
}

/** Those that follow from the settings of the daemon. */
export function backupPlaces(loaded: LoadedSettings, env: Environment): BackupPlaces {
  const { settings: { dataDir, cni }, path } = loaded;
  return {
    settings: path,
    lastPodCidr: lastPodCidrPath(dataDir),
    mesh: memoryPath(dataDir),
    conflists: cniDirectories(loaded, env.HEADCNI_HOST_ROOT ?? "")
      .map(({ confDirectory }) => join(confDirectory, cni.conflistName)),
    unit: new ServiceUnit(DAEMON_UNIT).path,
  };
}

/**
 * Refuses a backup of which a file belongs elsewhere: it is of another node, or somebody wants us to
 * write what is not ours.
 * @throws ConfigError that names all of them.
 */
export function requirePlaces(backup: Backup, places: BackupPlaces): void {
  const single = (["settings", "lastPodCidr", "mesh", "unit"] as const).flatMap((name) => {
    const path = backup[name]?.path;
    return path === undefined || path === places[name]
      ? []
      : [`${name} of "${path}", which here is "${places[name]}"`];
  });
  const lists = backup.conflists.filter(({ path }) => !places.conflists.includes(path))
    .map(({ path }) => `a network configuration of "${path}", where none of ours is`);
  const faults = [...single, ...lists];
  if (faults.length === 0) return;
  throw new ConfigError("invalid-config", `Cannot restore ${faults.join(", ")}`, {
    details: "Restore it where the paths are the same: HEADCNI_CONFIG names the file of settings",
  });
}
