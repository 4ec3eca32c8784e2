/** Texts that a person wrote down as right: `tests/fixtures/admin/<name>.txt`. */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

const FOLDER = fromFileUrl(new URL("../fixtures/admin/", import.meta.url));

/** Times as they are printed. */
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/**
 * Compares what was printed with the text that was written down. `deno test ... -- --update` writes
 * it down anew, for a person to look at.
 * @param hidden texts that differ from run to run, by what stands for them.
 */
export async function assertGolden(
  name: string,
  printed: string,
  hidden: Readonly<Record<string, string>> = {},
): Promise<void> {
  let text = printed.replaceAll(TIME, "TIME");
  for (const [placeholder, value] of Object.entries(hidden)) {
    text = text.replaceAll(value, placeholder);
  }
  const path = `${FOLDER}${name}.txt`;
  if (Deno.args.includes("--update")) await Deno.writeTextFile(path, text);
  assertEquals(text, await Deno.readTextFile(path), name);
}
