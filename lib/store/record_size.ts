import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import type { StoredGroup } from "./port_runs.ts";

/** Most bytes of a value: a limit of Deno KV. */
const MAX_VALUE_BYTES = 64 * 1024;
/** Most bytes that a character of JSON takes: those of nested lists, `[[[]]]`. */
const BYTES_PER_CHARACTER = 2.5;
/** Shorter by what cannot be said in characters of JSON. */
const MAX_RECORD_BYTES = MAX_VALUE_BYTES - 536;

/**
 * Refuses what is too large to be kept of an attachment.
 * @param record without bytes.
 * @param hostPorts as they are stored.
 * @throws ConfigError.
 */
export function requireFits(
  key: AttachmentKey,
  record: unknown,
  hostPorts: readonly StoredGroup[],
): void {
  const characters = JSON.stringify(record).length + hostPorts.map(countCharacters)
    .reduce((sum, count) => sum + count, 0);
  const most = MAX_RECORD_BYTES / BYTES_PER_CHARACTER;
  if (characters <= most) return;
  throw new ConfigError(
    "invalid-config",
    `Cannot attach "${formatAttachment(key)}": its network config and host ports have ` +
      `${characters} characters, ${most} can be kept for DEL`,
  );
}

function countCharacters({ hostIp, target, runs, ...rest }: StoredGroup): number {
  const bytes = (hostIp?.length ?? 0) + target.length + runs.length;
  const names = JSON.stringify({ hostIp: "", target: "", runs: "", ...rest });
  return names.length + Math.ceil(bytes / BYTES_PER_CHARACTER);
}
