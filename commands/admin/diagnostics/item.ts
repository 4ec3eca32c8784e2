/** What a bundle is made of. */
import type { ChildOutcome } from "../../../lib/delegate/child.ts";
import { errorText } from "../../../lib/errors.ts";
import { redactText } from "../../../lib/redact_text.ts";
import type { TarFile } from "./tar.ts";

/** One file of the bundle. */
export interface Item {
  /** Its name there. */
  readonly name: string;
  /** @throws why it cannot be had. */
  read(): string | Promise<string>;
}

/** What became of an item. */
export interface CollectedItem {
  readonly name: string;
  /** Absent when it is there. */
  readonly error?: string;
}

/** What was collected. */
export interface Collection {
  readonly files: readonly TarFile[];
  readonly items: readonly CollectedItem[];
}

/** More of one item is cut off: its end is what tells most. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/**
 * Reads all items, one after the other, without secrets. Why one cannot be had, or failed, is in the bundle
 * as a file of its name with `.error.txt` behind it.
 * @param known secrets to take out wherever they stand.
 */
export async function collectItems(
  items: readonly Item[],
  known: readonly string[],
  onItem: (item: CollectedItem) => void,
): Promise<Collection> {
  const files: TarFile[] = [];
  const collected: CollectedItem[] = [];
  for (const { name, read } of items) {
    const { text, error } = await attempt(read);
    const outcome = error === undefined ? { name } : { name, error: redactText(error, known) };
    if (error === undefined || text !== "") {
      files.push(file(name, redactText(text.slice(-MAX_CHARACTERS), known)));
    }
    if (outcome.error !== undefined) files.push(file(`${name}.error.txt`, outcome.error));
    collected.push(outcome);
    onItem(outcome);
  }
  files.push(file("items.json", JSON.stringify(collected, undefined, 2)));
  return { files, items: collected };
}

async function attempt(read: Item["read"]): Promise<{ text: string; error?: string }> {
  try {
    return { text: await read() };
  } catch (error) {
    const text = error instanceof PartialItem ? error.text : "";
    return { text, error: errorText(error) };
  }
}

/**
 * What a command printed.
 * @throws PartialItem when it failed.
 */
export function printedBy({ code, stdout, stderr }: ChildOutcome): string {
  if (code === 0) return stdout;
  throw new PartialItem(`exit code ${code}: ${stderr.trim()}`, stdout);
}

/** An item that is there, but with a failure. */
class PartialItem extends Error {
  override readonly name = "PartialItem";
  readonly text: string;

  constructor(message: string, text: string) {
    super(message);
    this.text = text;
  }
}

function file(name: string, text: string): TarFile {
  return { name, data: new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`) };
}
