/** Looks at a node for the doctor: all that checks want to see, at once, and nothing for ever. */
import type { DoctorSights, Look, Looks, SightName } from "../../doctor/sight.ts";
import { isPresent } from "../../attach/left_over.ts";
import { errorText, KernelError } from "../../errors.ts";
import { isOwnConflist } from "../../node/conflist.ts";
import { VERSION } from "../../version.ts";
import { instanceLockPath } from "../instance_lock.ts";
import { lookAtFirewall } from "./look_at_firewall.ts";
import { lookAtDatapath, lookAtKernel } from "./look_at_kernel.ts";
import { lookAtMesh } from "./look_at_mesh.ts";
import { lookAtApi, lookAtPodNetwork, lookAtRanges } from "./look_at_pod_network.ts";
import { lookAtBinaries, lookAtConfs, lookAtRuntimeView } from "./look_at_runtime.ts";
import { lookAtServices } from "./look_at_services.ts";
import { lookAtLeases, lookAtStores } from "./look_at_stores.ts";
import { type DoctorOptions, Scene } from "./scene.ts";
import { within } from "./within.ts";

/** Longest time for one look, in milliseconds; what takes longer is not waited for. */
const DEADLINE_MS = 10_000;
/** A large store takes its time: lib/delegate/examine.ts. */
const STORE_DEADLINE_MS = 60_000;

/** Looks at the parts of these names; what cannot be seen says why. */
export async function examineNode(
  options: DoctorOptions,
  names: readonly SightName[],
): Promise<Looks> {
  await using scene = new Scene(options);
  const entries = await Promise.all([...new Set(names)].map(async (name) => {
    const deadlineMs = name === "stores" ? STORE_DEADLINE_MS : DEADLINE_MS;
    const isHidden = "blind" in options.settings && NAMED_BY_SETTINGS.includes(name);
    const look = name === "settings" || isHidden
      ? options.settings
      : await lookWithin(deadlineMs, () => LOOKERS[name](scene));
    return [name, look] as const;
  }));
  return Object.fromEntries(entries);
}

/** Of these the defaults tell nothing: where the settings may not be read, they cannot be judged. */
const NAMED_BY_SETTINGS: readonly SightName[] = ["podNetwork", "api", "mesh"];

type Looker<Name extends SightName> = (
  scene: Scene,
) => DoctorSights[Name] | Promise<DoctorSights[Name]>;

const LOOKERS: { readonly [Name in Exclude<SightName, "settings">]: Looker<Name> } = {
  daemon: lookAtDaemon,
  confs: lookAtConfs,
  binaries: lookAtBinaries,
  runtimeView: lookAtRuntimeView,
  podNetwork: lookAtPodNetwork,
  ranges: lookAtRanges,
  api: lookAtApi,
  stores: lookAtStores,
  leases: lookAtLeases,
  kernel: lookAtKernel,
  datapath: lookAtDatapath,
  firewall: lookAtFirewall,
  mesh: lookAtMesh,
  services: lookAtServices,
};

async function lookAtDaemon(scene: Scene): Promise<DoctorSights["daemon"]> {
  const { runDirectory } = scene.options.attach;
  return {
    version: VERSION,
    ...await scene.daemon(),
    isExpected: isPresent(instanceLockPath(runDirectory)) ||
      lookAtConfs(scene).folders.some(({ files }) =>
        files.some(({ text }) => text !== undefined && isOwnConflist(text))
      ),
  };
}

async function lookWithin<T>(deadlineMs: number, look: () => T | Promise<T>): Promise<Look<T>> {
  try {
    return { saw: await within(deadlineMs, Promise.try(look)) };
  } catch (error) {
    return { blind: isForbidden(error) ? `needs root: ${errorText(error)}` : errorText(error) };
  }
}

/** EPERM and EACCES: asm-generic/errno-base.h. */
const FORBIDDEN = [1, 13];

/** Ours pass on the system's error as their cause. */
function isForbidden(error: unknown): boolean {
  if (error instanceof Deno.errors.PermissionDenied) return true;
  if (error instanceof KernelError && FORBIDDEN.includes(error.errno)) return true;
  return error instanceof Error && error.cause !== undefined && isForbidden(error.cause);
}
