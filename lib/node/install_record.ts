/** What an installation put on a node, and what was there before: the file that uninstall goes by. */
import * as v from "valibot";
import { ConfigError, errorText } from "../errors.ts";
import { fnv1a64 } from "../fnv1a64.ts";
import { parseWith } from "../schema.ts";
import { isPlainPath } from "./launcher.ts";

/** What was at a path. */
export type Before =
  | { readonly kind: "absent" }
  | { readonly kind: "link"; readonly target: string }
  /** A file, of which a copy is kept. */
  | { readonly kind: "file"; readonly backup: string };

/** What we put there. */
export type Made =
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "file"; readonly hash: string };

/** A path that was taken. */
export interface InstalledPath {
  readonly path: string;
  readonly made: Made;
  readonly before: Before;
}

/** Who runs the daemon: a unit that we write, or somebody else, such as a DaemonSet. */
export const SERVICES = ["systemd", "none"] as const;
export type Service = (typeof SERVICES)[number];

/** An installation. */
export interface InstallRecord {
  /** Folder of the programs. */
  readonly prefix: string;
  readonly service: Service;
  /** The daemon's file of settings. */
  readonly settings: string;
  /** Name of the release that is in use, such as `0.1.0-3f9c2a81b04d`. */
  readonly release: string;
  /** That of before, which an upgrade goes back to. */
  readonly previous?: string | undefined;
  /** True while units are to be read anew or the daemon started anew: whoever was killed did not. */
  readonly isServiceDue?: true | undefined;
  /** In the order in which they were taken. */
  readonly paths: readonly InstalledPath[];
  /** Folders that were not there, the outermost first. */
  readonly folders: readonly string[];
  /** Whether a unit of our name was started with the machine before. */
  readonly wasEnabled: boolean;
  /** Forwarding of before, by the name of the sysctl. */
  readonly sysctls: Readonly<Record<string, string>>;
}

/** Version of the file. */
const FORMAT = 1;

/** Where a release lies below `releases/`: its version and a hash of what it consists of. */
export const RELEASE_NAME = /^\d+\.\d+\.\d+(?:[-+][\w.+-]*)?-[0-9a-f]{12}$/;

const path = v.pipe(
  v.string(),
  v.check((text) => text.startsWith("/") && !/\/\.{0,2}(?:\/|$)/.test(text), "a plain path wanted"),
);
const folder = v.pipe(path, v.check(isPlainPath, "a plain path wanted"));
const release = v.pipe(v.string(), v.regex(RELEASE_NAME, "the name of a release wanted"));
const link = v.object({ kind: v.literal("link"), target: v.string() });

/** A record as JSON. */
export const InstallFile = v.object({
  format: v.literal(FORMAT),
  prefix: folder,
  service: v.picklist(SERVICES),
  settings: path,
  release,
  previous: v.optional(release),
  isServiceDue: v.optional(v.literal(true)),
  paths: v.array(v.object({
    path,
    made: v.variant("kind", [link, v.object({ kind: v.literal("file"), hash: v.string() })]),
    before: v.variant("kind", [
      v.object({ kind: v.literal("absent") }),
      link,
      v.object({ kind: v.literal("file"), backup: path }),
    ]),
  })),
  folders: v.array(path),
  wasEnabled: v.boolean(),
  sysctls: v.record(v.string(), v.string()),
});

/** The text of the file. */
export function formatInstallRecord(record: InstallRecord): string {
  return `${JSON.stringify({ format: FORMAT, ...record }, null, 2)}\n`;
}

/**
 * Reads the text of the file.
 * @throws ConfigError with all that is wrong.
 */
export function parseInstallRecord(text: string): InstallRecord {
  const { format: _, ...record } = parseWith(InstallFile, parseJson(text), "record of the install");
  return record;
}

/** Tells a text from others. */
export function textHash(text: string): string {
  return fnv1a64(text).toString(16).padStart(16, "0");
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw new ConfigError(
      "decode-failure",
      `Cannot use record of the install: ${errorText(cause)}`,
      {
        cause,
      },
    );
  }
}
