/** What a backup of a node is: one JSON document, without any secret. */
import * as v from "valibot";
import { ConfigError } from "../../../lib/errors.ts";
import { InstallFile } from "../../../lib/node/install_record.ts";
import { isObject, parseWith } from "../../../lib/schema.ts";
import { ExportDocument } from "../ipam/export_document.ts";
import { readJsonFile } from "../ipam/json_file.ts";

/** Says what the document is. */
export const KIND = "headcni-backup";
/** Version of the document; it stays the same when members are added. */
export const FORMAT = 1;

const file = v.object({ path: v.string(), text: v.string() });

/** What is read of a document. */
const BackupDocument = v.object({
  kind: v.literal(KIND),
  format: v.literal(FORMAT),
  release: v.string(),
  node: v.string(),
  created: v.pipe(v.string(), v.isoTimestamp("a time wanted")),
  /** The daemon's file of settings; null where there was none. */
  settings: v.nullable(file),
  /** What the daemon remembers; null for what there was not. */
  lastPodCidr: v.nullable(file),
  mesh: v.nullable(file),
  conflists: v.array(file),
  unit: v.nullable(file),
  /** The record of `headcni install`; null where it did not run. */
  install: v.nullable(InstallFile),
  /** As `headcni ipam export` prints it; null where there was no store. */
  addresses: v.nullable(ExportDocument),
});

/** A file with its path on the node. */
export type BackupFile = v.InferOutput<typeof file>;

/** A document that was read. */
export type Backup = v.InferOutput<typeof BackupDocument>;

/**
 * Reads a document.
 * @param path of the file, or `-` for standard input.
 * @throws ConfigError that names the file and every fault with its place, or says whose it is.
 */
export function readBackup(path: string): Backup {
  const value = readJsonFile(path, v.unknown());
  if (!isObject(value) || value.kind !== KIND) {
    throw new ConfigError("decode-failure", `Cannot use "${path}": it is no backup of HeadCNI`);
  }
  if (typeof value.format === "number" && value.format > FORMAT) {
    throw new ConfigError(
      "decode-failure",
      `Cannot use "${path}": release ${value.release} wrote it in format ${value.format}, and this ` +
        `one knows ${FORMAT}; restore it by that release`,
    );
  }
  return parseWith(BackupDocument, value, `"${path}"`);
}
