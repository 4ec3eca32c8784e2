/** Another release than the built one, for upgrades: its bundles say another version. */
import { dirname } from "@std/path";
import { launcherText } from "../../lib/node/launcher.ts";
import { VERSION } from "../../lib/version.ts";
import { HEADCNI } from "../cli/shipped.ts";

/** What is different about it. */
export interface OtherRelease {
  readonly version: string;
  /** Put before the bundle of the daemon. */
  readonly daemonPrologue?: string;
}

/** Why there can be none; empty when there can. */
export function missingScriptForm(): string {
  try {
    return Deno.readTextFileSync(HEADCNI).startsWith("#!") ? "" : "needs the script form";
  } catch {
    return "needs the program: deno task build";
  }
}

/** Makes one in a folder; answers its executable. */
export async function makeRelease(
  folder: string,
  { version, daemonPrologue = "" }: OtherRelease,
): Promise<string> {
  const libexec = `${dirname(HEADCNI)}/libexec`;
  for (const path of listFiles(libexec)) {
    const to = `${folder}/libexec/${path}`;
    await Deno.mkdir(dirname(to), { recursive: true });
    if (path === "deno") {
      await Deno.symlink(await Deno.realPath(`${libexec}/deno`), to);
      continue;
    }
    const bundle = await Deno.readTextFile(`${libexec}/${path}`);
    const prologue = path === "daemon/main.js" ? daemonPrologue : "";
    await Deno.writeTextFile(to, prologue + bundle.replaceAll(`"${VERSION}"`, `"${version}"`));
  }
  await Deno.writeTextFile(`${folder}/headcni`, launcherText(folder), { mode: 0o755 });
  return `${folder}/headcni`;
}

function listFiles(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(`${folder}/${name}`).map((path) => `${name}/${path}`) : [name]
  );
}
