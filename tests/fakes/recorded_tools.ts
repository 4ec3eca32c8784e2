/** Tools of shell that note how they are called, and answer what a test wants: kubectl, helm. */

/** One call. */
export interface RecordedCall {
  readonly tool: string;
  readonly args: readonly string[];
  /** What was written to it, where it was told to read that. */
  readonly stdin: string;
}

/** What is answered to calls whose arguments, joined by blanks, match a pattern of the shell's `case`. */
export interface RecordedAnswer {
  readonly match: string;
  readonly stdout?: string;
  readonly stderr?: string;
  /** 0 by default. */
  readonly code?: number;
  /** Lines of shell in the place of all that. */
  readonly script?: string;
}

/** Ends a call in the log: what no argument of a test has. */
const END_OF_CALL = "\x1e";

/** A folder of such tools. */
export class RecordedTools implements AsyncDisposable {
  /** For `PATH`. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes tools by their names; the first answer that matches counts, without one it is an empty success. */
  static async make(
    tools: Readonly<Record<string, readonly RecordedAnswer[]>>,
  ): Promise<RecordedTools> {
    const made = new RecordedTools(await Deno.makeTempDir({ prefix: "hct" }));
    for (const [tool, answers] of Object.entries(tools)) await made.answer(tool, answers);
    return made;
  }

  /** Replaces what a tool answers. */
  async answer(tool: string, answers: readonly RecordedAnswer[]): Promise<void> {
    const cases = await Promise.all(
      answers.map((answer, index) => this.#case(tool, answer, index)),
    );
    const script = [
      "#!/bin/sh",
      "stdin=",
      'case " $* " in *" --stdin "*|*" -f - "*|*" --filename=- "*|*" --values=- "*)',
      "  stdin=$(cat; echo x); stdin=${stdin%x} ;;",
      "esac",
      `record=$(printf '%s\\037' ${tool} "$@"; echo x)`,
      `printf '%s\\035%s\\036' "\${record%x}" "$stdin" >>${this.path}/calls`,
      'case "$*" in',
      ...cases,
      "esac",
      "",
    ].join("\n");
    await Deno.writeTextFile(`${this.path}/${tool}`, script, { mode: 0o755 });
  }

  /** The calls since the last time, in the order in which they began. */
  async takeCalls(): Promise<RecordedCall[]> {
    const text = await Deno.readTextFile(`${this.path}/calls`).catch(() => "");
    await Deno.writeTextFile(`${this.path}/calls`, "");
    return text.split(END_OF_CALL).filter((call) => call !== "").map((call) => {
      const [line = "", stdin = ""] = call.split("\x1d");
      const [tool = "", ...args] = line.split("\x1f").slice(0, -1);
      return { tool, args, stdin };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }

  async #case(tool: string, answer: RecordedAnswer, index: number): Promise<string> {
    const { match, stdout = "", stderr = "", code = 0, script } = answer;
    if (script !== undefined) return `${match}) ${script} ;;`;
    const files = `${this.path}/${tool}-${index}`;
    await Deno.writeTextFile(`${files}.out`, stdout);
    await Deno.writeTextFile(`${files}.err`, stderr);
    return `${match}) cat ${files}.out; cat ${files}.err >&2; exit ${code} ;;`;
  }
}
