/**
 * A node that is uninstalled: what of ours is in its tailnet, and the tailscaled that ran only for us.
 * Leaves out its registration, which `headcni mesh leave --deregister` ends, and its folder of keys.
 */
import { exists } from "@std/fs";
import { ServiceUnit, SYSTEMD, type SystemdPlaces } from "../delegate/service_unit.ts";
import { distinctPrefixes, formatPrefix } from "../net/prefix.ts";
import { OWN_UNIT } from "../tailscale/own_unit.ts";
import { withdrawFromMesh } from "./mesh/leave.ts";
import { forgetMemory, memoryPath, readMemory } from "./mesh/memory_file.ts";
import { isListening, ownSocket, ownStateDirectory, tailscaleSocket } from "./own_tailscaled.ts";
import type { Settings } from "./settings/settings.ts";
import type { Work } from "./work.ts";

/**
 * Takes back our routes, and then ends a tailscaled of our own. What could not be taken back stays
 * remembered, so that a second call, or `headcni mesh leave`, can do it.
 * @param root what the node's own paths are below; with one we are in a container, without systemd.
 */
export async function removeFromTailnet(
  settings: Settings,
  root: string,
  work: Work,
  { systemd = SYSTEMD }: { readonly systemd?: SystemdPlaces } = {},
): Promise<void> {
  await withdraw(settings, work);
  const unit = new ServiceUnit(OWN_UNIT, systemd);
  if (root === "" && unit.isWritten()) await work.attempt(() => removeUnit(unit));
  await work.attempt(() => clearSocket(ownSocket(settings), work));
  const keys = ownStateDirectory(settings);
  if (!await exists(keys)) return;
  work.keep([
    `${keys}: who this node is in its tailnet; if it is not to come back, delete the node in ` +
    "Headscale, and this folder",
  ]);
}

/** A tailscaled that does not run advertises nothing, and knows no more than we remember. */
async function withdraw(settings: Settings, work: Work): Promise<void> {
  const { dataDir } = settings;
  const socket = tailscaleSocket(settings);
  if (rememberedRoutes(dataDir).length > 0 && socket !== undefined && await isListening(socket)) {
    await work.attempt(async () => {
      const { done, failures } = await withdrawFromMesh(settings, { deregister: false });
      work.fail(failures);
      return done;
    });
  }
  const left = rememberedRoutes(dataDir);
  if (left.length === 0) {
    await work.attempt(() => forgetMemory(dataDir).map((path) => `${path}: removed`));
    return;
  }
  work.keep([
    `${memoryPath(dataDir)}: by it "headcni mesh leave" takes back what the tailnet still has of ` +
    `ours, once tailscaled answers: ${left.join(", ")}`,
  ]);
}

/** What we advertised or approved, and have not taken back. */
function rememberedRoutes(dataDir: string): string[] {
  const { advertised, approved } = readMemory(dataDir);
  return distinctPrefixes([...advertised, ...approved]).map(formatPrefix);
}

async function removeUnit(unit: ServiceUnit): Promise<string[]> {
  await unit.remove();
  return [`systemctl disable --now ${unit.name}`, `${unit.path}: removed`];
}

/** Who still listens runs in a container of its own, or could not be ended. */
async function clearSocket(socket: string, work: Work): Promise<string[]> {
  if (await isListening(socket)) {
    work.keep([`${socket}: a tailscaled that is not ours to end listens there`]);
    return [];
  }
  if (!await exists(socket)) return [];
  await Deno.remove(socket);
  return [`${socket}: removed`];
}
