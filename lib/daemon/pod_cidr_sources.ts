/** What the disk of the node says of its CIDRs. Nothing here fails: what cannot be read is told. */
import { join } from "@std/path";
import { type FileFinding, parseNodeFile } from "../discovery/node_file.ts";
import { type PodCidrPlace, podCidrPlaces } from "../discovery/pod_cidr_places.ts";
import { errorText } from "../errors.ts";
import {
  followPodCidr,
  formatLastPodCidr,
  type LastPodCidr,
  parseLastPodCidr,
} from "../node/last_pod_cidr.ts";
import type { ChosenPodCidr } from "../node/pod_cidr.ts";
import { writeAtomically } from "./atomic_file.ts";
import { readBounded } from "./read_bounded.ts";

/** The last good value as it is on the disk; undefined when there is none. */
export type LastFinding = { readonly says: LastPodCidr } | { readonly fault: string } | undefined;

/**
 * Reads the files that {@linkcode podCidrPlaces} names.
 * @param root folder that the root of the node is mounted at; `/` on the node itself.
 * @returns those that are there, the strongest first.
 */
export function readPodCidrFiles(root: string, nodeName: string): FileFinding[] {
  return podCidrPlaces(nodeName).flatMap((place) => readPlace(root, place));
}

/** Path of what {@linkcode keepLastPodCidr} writes. */
export function lastPodCidrPath(dataDirectory: string): string {
  return join(dataDirectory, LAST_FILE);
}

/** Reads what {@linkcode keepLastPodCidr} wrote. */
export function readLastPodCidr(dataDirectory: string): LastFinding {
  const path = lastPodCidrPath(dataDirectory);
  try {
    const text = readBounded(path);
    return text === undefined ? undefined : { says: parseLastPodCidr(text) };
  } catch (error) {
    return { fault: `Cannot use "${path}": ${errorText(error)}` };
  }
}

/**
 * Keeps CIDRs that are in use now for a start without any other source. What was computed or is the
 * default is not kept: it can be had again, and nobody gave it to this node.
 * @returns what is kept now; undefined when the choice is not to be kept.
 * @throws HeadcniError `io-failure` when it cannot be written.
 */
export function keepLastPodCidr(
  dataDirectory: string,
  nodeName: string,
  choice: ChosenPodCidr,
  now: Date,
): LastPodCidr | undefined {
  if (!choice.isNodeLocal) return undefined;
  const last = readLastPodCidr(dataDirectory);
  const previous = last && "says" in last ? last.says : undefined;
  if (choice.source === "last-good") return previous;
  const { cidrs, source, origin } = choice;
  const next = followPodCidr(previous, { nodeName, cidrs, source, origin }, now);
  writeAtomically(lastPodCidrPath(dataDirectory), formatLastPodCidr(next), { mode: 0o600 });
  return next;
}

const LAST_FILE = "pod-cidr.json";

/** Of a folder with more files than this the last by name are read. */
const MAX_FILES = 100;

function readPlace(root: string, { path, format }: PodCidrPlace): FileFinding[] {
  try {
    return listPaths(root, path).flatMap((each) => readFile(root, each, format));
  } catch (error) {
    return [{ path, fault: errorText(error) }];
  }
}

/** The paths that a place stands for, the last by name first: it overrules those before it. */
function listPaths(root: string, path: string): string[] {
  const [, folder = "", suffix = ""] = /^(.*)\/\*([^/]*)$/.exec(path) ?? [];
  if (folder === "") return [path];
  try {
    return Array.from(Deno.readDirSync(join(root, folder)), ({ name }) => name)
      .filter((name) => name.endsWith(suffix)).sort().reverse().slice(0, MAX_FILES)
      .map((name) => `${folder}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new Error(`Cannot list "${folder}": ${errorText(error)}`, { cause: error });
  }
}

function readFile(root: string, path: string, format: PodCidrPlace["format"]): FileFinding[] {
  try {
    const text = readBounded(join(root, path));
    return text === undefined ? [] : [{ path, says: parseNodeFile(format, text) }];
  } catch (error) {
    return [{ path, fault: errorText(error) }];
  }
}
