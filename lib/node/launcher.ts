/**
 * The script form of the program: a shell script up to its second line, which to JavaScript is a
 * string and a comment. It starts the Deno of its folder with the plugin's bundle, by absolute paths, so
 * that symlinks and copies of it work anywhere.
 */
import { ConfigError } from "../errors.ts";

/**
 * For programs that live for some 30 ms: all functions are compiled when the code cache is made, not
 * one by one at each start, and no compiler warms up. An ADD takes 9 ms less of 45; the cache must
 * have been made with the same flags.
 */
export const V8_FLAGS = "--v8-flags=--no-lazy,--lite-mode";

/**
 * The launcher for a program in a folder: `libexec/` with Deno and bundles, `cache/`. A first line that
 * names Deno itself would have to fit the 255 bytes that the kernel reads.
 * @throws ConfigError when the path has characters that the shell would change.
 */
export function launcherText(folder: string): string {
  if (!isPlainPath(folder)) {
    throw new ConfigError(
      "invalid-config",
      `Cannot put the program into "${folder}": a shell would split or change that path`,
    );
  }
  const environment = `DENO_DIR=${folder}/cache DENO_NO_UPDATE_CHECK=1`;
  const options = `-A --unstable-kv --no-config --no-lock ${V8_FLAGS} --ext=js`;
  return "#!/bin/sh\n" +
    `":" //; ${environment} exec ${folder}/libexec/deno run ${options} "$0" "$@"\n` +
    `import ${JSON.stringify(`${folder}/libexec/plugin.js`)};\n`;
}

/** The folder that a launcher is for; undefined for a text that is none. */
export function launcherFolder(text: string): string | undefined {
  const folder = /^#!\/bin\/sh\n":" \/\/; DENO_DIR=(\/\S+)\/cache /.exec(text)?.[1];
  return folder !== undefined && text.endsWith(`"${folder}/libexec/plugin.js";\n`)
    ? folder
    : undefined;
}

/** True for an absolute path that neither a shell nor systemd reads as anything else. */
export function isPlainPath(path: string): boolean {
  return /^\/[\w./+@:,-]*$/.test(path);
}
