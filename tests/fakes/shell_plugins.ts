/** Plugins of shell that note how they are called, and behave as a test wants. */

/** One call that a plugin of shell noted. */
export interface NotedCall {
  readonly verb: string;
  readonly type: string;
  readonly netns: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** What a plugin does after it has noted the call, as lines of shell; a verb left out does nothing. */
export type ShellPlugin = Readonly<
  Partial<Record<"ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION", string>>
>;

/** A result of ADD with one address, as a line of shell. */
export function printResult(address: string, version = "1.1.0"): string {
  return `echo '{"cniVersion":"${version}","ips":[{"address":"${address}"}]}'`;
}

/** A failure, as a line of shell. */
export function printFailure(code: number, msg: string): string {
  return `echo '{"code":${code},"msg":"${msg}"}'; exit 1`;
}

/** A folder of such plugins. */
export class ShellPlugins {
  /** For `CNI_PATH`, alone or beside others. */
  readonly path: string;
  readonly #log: string;

  private constructor(folder: string) {
    this.path = folder;
    this.#log = `${folder}/calls`;
  }

  /** Writes the plugins into a folder below `root`; those of an earlier call stay. */
  static async make(
    { root }: { readonly root: string },
    plugins: Readonly<Record<string, ShellPlugin>>,
  ): Promise<ShellPlugins> {
    const folder = `${root}/shell`;
    await Deno.mkdir(folder, { recursive: true });
    const made = new ShellPlugins(folder);
    for (const [type, plugin] of Object.entries(plugins)) {
      await Deno.writeTextFile(`${folder}/${type}`, made.#script(plugin), { mode: 0o755 });
    }
    return made;
  }

  /** The calls since the last time, in their order. */
  async takeCalls(): Promise<NotedCall[]> {
    const text = await Deno.readTextFile(this.#log).catch(() => "");
    await Deno.writeTextFile(this.#log, "");
    return text.split("\n").filter((line) => line !== "").map((line) => {
      const [verb = "", type = "", netns = "", ...config] = line.split("\t");
      return { verb, type, netns, config: JSON.parse(config.join("\t")) };
    });
  }

  #script(plugin: ShellPlugin): string {
    const cases = Object.entries(plugin).map(([verb, lines]) => `${verb}) ${lines} ;;`);
    return [
      "#!/bin/sh",
      `printf '%s\\t%s\\t%s\\t%s\\n' "$CNI_COMMAND" "\${0##*/}" "$CNI_NETNS" "$(cat)" >>${this.#log}`,
      `case $CNI_COMMAND in`,
      ...cases,
      "esac",
      "",
    ].join("\n");
  }
}
