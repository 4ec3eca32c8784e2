/** What can be pasted from README.md. */

/** A network configuration, or a list of them, as it stands there. */
export interface PastedConfig {
  readonly cniVersion: string;
  readonly name: string;
  readonly [key: string]: unknown;
}

/** A file whose first line, a comment, says where it belongs. */
export interface PastedFile {
  readonly path: string;
  readonly text: string;
}

/** README.md as text. */
export const README: string = await Deno.readTextFile(
  new URL("../../README.md", import.meta.url),
);

/** The JSON blocks of a chapter, in its order. */
export function pastedConfigs(chapter: string): PastedConfig[] {
  return blocks(chapter, "json").map((text) => JSON.parse(text));
}

/** The files of a chapter, in its order. */
export function pastedFiles(chapter: string): PastedFile[] {
  return filesIn([...blocks(chapter, "sh"), ...blocks(chapter, "yaml")]);
}

/** The units of systemd of a chapter, in its order. */
export function pastedUnits(chapter: string): PastedFile[] {
  return filesIn(blocks(chapter, "ini"));
}

function filesIn(texts: readonly string[]): PastedFile[] {
  return texts.flatMap((text) => {
    const path = /^# (\/\S+)\n/.exec(text)?.[1];
    return path ? [{ path, text }] : [];
  });
}

/** The blocks of one section of a chapter in a language, in its order. */
export function pastedBlocks(chapter: string, section: string, language: string): string[] {
  const [, rest] = chapterOf(chapter).split(`\n### ${section}\n`);
  if (rest === undefined) throw new Error(`Cannot find "${section}" in "${chapter}" of README.md`);
  return blocksIn(rest.split("\n### ")[0] ?? "", language);
}

/** A script of the shell that writes a file where it belongs. */
export function writingFile({ path, text }: PastedFile): string {
  return `mkdir -p ${path.replace(/\/[^/]*$/, "")}\ncat >${path} <<'END'\n${text}END\n`;
}

/**
 * The text of a chapter, without its heading.
 * @throws Error when there is none of that name.
 */
export function chapterOf(chapter: string): string {
  const [, rest] = README.split(`\n## ${chapter}\n`);
  if (rest === undefined) throw new Error(`Cannot find the chapter "${chapter}" of README.md`);
  const [text = ""] = rest.split("\n## ");
  return text;
}

function blocks(chapter: string, language: string): string[] {
  return blocksIn(chapterOf(chapter), language);
}

export function blocksIn(text: string, language: string): string[] {
  const pattern = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs");
  return Array.from(text.matchAll(pattern), ([, block = ""]) => block);
}
