import { join } from "@std/path";
import { run } from "../netns/namespace.ts";

/** Names of processors as images have them, by ours. */
const ARCHITECTURES = { x86_64: "amd64", aarch64: "arm64" } as const;

/**
 * Makes an image of one layer, in the format of `docker save`; answers its path. Its program sleeps, so
 * that it can hold the namespaces of a pod.
 * @param layer archive of a file system, beside which the image is made.
 */
export async function archiveImage(layer: string, name: string): Promise<string> {
  const [folder, file] = [layer.replace(/\/[^/]*$/, ""), layer.replace(/^.*\//, "")];
  const digest = await sha256(await Deno.readFile(layer));
  const config = {
    architecture: ARCHITECTURES[Deno.build.arch],
    os: "linux",
    config: { Entrypoint: ["/bin/sleep", "infinity"], Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
  };
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: [file] }];
  const parts = { "config.json": config, "manifest.json": manifest };
  for (const [part, value] of Object.entries(parts)) {
    await Deno.writeTextFile(join(folder, part), JSON.stringify(value));
  }
  const archive = join(folder, "docker.tar");
  await run("tar", "-C", folder, "-cf", archive, ...Object.keys(parts), file);
  return archive;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}
