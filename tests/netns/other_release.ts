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
  await Deno.mkdir(`${folder}/libexec`, { recursive: true });
  for await (const { name } of Deno.readDir(libexec)) {
    if (name === "deno") {
      await Deno.symlink(await Deno.realPath(`${libexec}/deno`), `${folder}/libexec/deno`);
      continue;
    }
    const bundle = await Deno.readTextFile(`${libexec}/${name}`);
    const prologue = name === "daemon.js" ? daemonPrologue : "";
    const text = prologue + bundle.replaceAll(`"${VERSION}"`, `"${version}"`);
    await Deno.writeTextFile(`${folder}/libexec/${name}`, text);
  }
  await Deno.writeTextFile(`${folder}/headcni`, launcherText(folder), { mode: 0o755 });
  return `${folder}/headcni`;
}
