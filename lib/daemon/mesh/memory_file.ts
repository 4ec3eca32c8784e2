/**
 * What the node remembers of the mesh: which routes of tailscaled's are ours, and whether it left. The
 * daemon and `headcni mesh` both change it, one after the other.
 */
import { join } from "@std/path";
import { log } from "../../log.ts";
import { formatMemory, type MeshMemory, parseMemory } from "../../mesh/memory.ts";
import { writeAtomically } from "../atomic_file.ts";
import { readBounded } from "../read_bounded.ts";

/** Path of the file: it outlives a reboot, as the routes in tailscaled do. */
export function memoryPath(dataDir: string): string {
  return join(dataDir, "mesh.json");
}

/** The memory; an empty one, loudly, when the file cannot be used. */
export function readMemory(dataDir: string): MeshMemory {
  const path = memoryPath(dataDir);
  const { memory, warning } = parseMemory(readBounded(path));
  if (warning !== undefined) log.warn(`Cannot use "${path}": ${warning}`);
  return memory;
}

/**
 * Changes the memory.
 * @param change answers what is to be kept in place of what is.
 * @throws HeadcniError `io-failure`.
 */
export function updateMemory(dataDir: string, change: (memory: MeshMemory) => MeshMemory): void {
  Deno.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  using lock = Deno.openSync(`${memoryPath(dataDir)}.lock`, {
    create: true,
    write: true,
    mode: 0o600,
  });
  lock.lockSync(true);
  writeAtomically(memoryPath(dataDir), formatMemory(change(readMemory(dataDir))), { mode: 0o600 });
}
