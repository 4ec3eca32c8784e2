/**
 * What the node remembers of the mesh: which routes of tailscaled's are ours, and whether it left. The
 * daemon and `headcni mesh` both change it, one after the other.
 */
import { join } from "@std/path";
import { errorText } from "../../errors.ts";
import { log } from "../../log.ts";
import {
  EMPTY_MEMORY,
  formatMemory,
  type MeshMemory,
  parseMemory,
  type ReadMemory,
} from "../../mesh/memory.ts";
import { writeAtomically } from "../atomic_file.ts";
import { readBounded } from "../read_bounded.ts";

/** Path of the file: it outlives a reboot, as the routes in tailscaled do. */
export function memoryPath(dataDir: string): string {
  return join(dataDir, "mesh.json");
}

/** The memory; an empty one, loudly, when the file cannot be used. */
export function readMemory(dataDir: string): MeshMemory {
  const { memory, warning } = tryRead(dataDir);
  if (warning !== undefined) log.warn(warning, { file: memoryPath(dataDir) });
  return memory;
}

/**
 * Writes a file anew of which not all can be used: that is said once, and not at each look.
 * @throws HeadcniError `io-failure`.
 */
export function mendMemory(dataDir: string): void {
  if (tryRead(dataDir).warning !== undefined) updateMemory(dataDir, (memory) => memory);
}

/** Keeps the key by which Headscale knows this node, where it is a new one; mostly it can do without. */
export function rememberNodeKey(dataDir: string, nodeKey: string): void {
  if (readMemory(dataDir).nodeKey === nodeKey) return;
  try {
    updateMemory(dataDir, (memory) => ({ ...memory, nodeKey }));
  } catch (error) {
    log.debug("Cannot remember the key of this node", { error });
  }
}

/**
 * Changes the memory.
 * @param change answers what is to be kept in place of what is.
 * @throws HeadcniError `io-failure`.
 */
export function updateMemory(dataDir: string, change: (memory: MeshMemory) => MeshMemory): void {
  Deno.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  using lock = Deno.openSync(lockPath(dataDir), { create: true, write: true, mode: 0o600 });
  lock.lockSync(true);
  writeAtomically(memoryPath(dataDir), formatMemory(change(readMemory(dataDir))), { mode: 0o600 });
}

/** Paths of the memory, and of its lock. */
export function memoryFiles(dataDir: string): string[] {
  return [memoryPath(dataDir), lockPath(dataDir)];
}

/**
 * Removes the memory, of a node whose daemon is gone for good.
 * @returns the paths that were there.
 * @throws Error of the system.
 */
export function forgetMemory(dataDir: string): string[] {
  return memoryFiles(dataDir).filter((path) => {
    try {
      Deno.removeSync(path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}

function tryRead(dataDir: string): ReadMemory {
  try {
    return parseMemory(readBounded(memoryPath(dataDir)));
  } catch (error) {
    const warning = `Cannot read the memory of the mesh: ${errorText(error)}; ` +
      "old routes of this node may stay advertised";
    return { memory: EMPTY_MEMORY, warning };
  }
}

function lockPath(dataDir: string): string {
  return `${memoryPath(dataDir)}.lock`;
}
