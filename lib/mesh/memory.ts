/** What the daemon remembers of its tailnet on disk (`mesh.json`), as text and as value. */
import { errorText } from "../errors.ts";
import { formatPrefix, type Prefix, tryParsePrefix } from "../net/prefix.ts";
import { isObject, showValue } from "../schema.ts";
import { isExitRoute, ownRoutes } from "./own_routes.ts";

/** What is ours in the tailnet. */
export interface MeshMemory {
  /** Routes that we advertised: to be written before they are. */
  readonly advertised: readonly Prefix[];
  /** Routes that we approved in Headscale. */
  readonly approved: readonly Prefix[];
  /** True after `headcni mesh leave`: nothing is advertised until somebody joins again. */
  readonly left: boolean;
  /** Of this node when it was in last: a tailscaled that was logged out knows it no more. */
  readonly nodeKey?: string | undefined;
}

/** What was understood of a file. */
export interface ReadMemory {
  readonly memory: MeshMemory;
  /** What was not. */
  readonly warning: string | undefined;
}

/** That of a node that never was in a tailnet. */
export const EMPTY_MEMORY: MeshMemory = { advertised: [], approved: [], left: false };

/** The text of the file. */
export function formatMemory({ advertised, approved, left, nodeKey }: MeshMemory): string {
  const value = {
    version: VERSION,
    advertised: advertised.map(formatPrefix),
    approved: approved.map(formatPrefix),
    left,
    nodeKey,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Reads the text of the file. What makes no sense counts for nothing: a route is then taken for the
 * user's, and stays, until it is a PodCIDR again.
 * @param text undefined when there is no file.
 */
export function parseMemory(text: string | undefined): ReadMemory {
  if (text === undefined) return { memory: EMPTY_MEMORY, warning: undefined };
  const { value, fault } = parseJson(text);
  if (!isObject(value)) return { memory: EMPTY_MEMORY, warning: warn([fault ?? showValue(value)]) };
  const faults: string[] = [];
  if (value.version !== VERSION) faults.push(`version ${showValue(value.version)}`);
  const advertised = parseRoutes("advertised", value.advertised, faults);
  const approved = parseRoutes("approved", value.approved, faults);
  if (typeof value.left !== "boolean") faults.push(`left ${showValue(value.left)}`);
  const nodeKey = typeof value.nodeKey === "string" ? value.nodeKey : undefined;
  if (nodeKey !== value.nodeKey) faults.push(`nodeKey ${showValue(value.nodeKey)}`);
  return {
    memory: {
      advertised: ownRoutes(advertised).routes,
      approved: ownRoutes(approved).routes,
      left: value.left === true,
      ...nodeKey !== undefined && { nodeKey },
    },
    warning: warn(faults),
  };
}

const VERSION = 1;

function parseRoutes(key: string, value: unknown, faults: string[]): Prefix[] {
  const listed: readonly unknown[] = Array.isArray(value) ? value : [];
  if (!Array.isArray(value)) faults.push(`${key} ${showValue(value)}`);
  return listed.flatMap((each) => {
    const route = typeof each === "string" ? tryParsePrefix(each) : undefined;
    if (route && !isExitRoute(route)) return [route];
    faults.push(`route ${showValue(each)}`);
    return [];
  });
}

function warn(faults: readonly string[]): string | undefined {
  if (faults.length === 0) return;
  return `Cannot use all of the memory of the mesh: ${faults.join(", ")}; ` +
    `old routes of this node may stay advertised, see tailscale debug prefs`;
}

function parseJson(text: string): { readonly value?: unknown; readonly fault?: string } {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch (error) {
    return { fault: errorText(error) };
  }
}
