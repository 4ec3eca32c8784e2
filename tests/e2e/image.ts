/**
 * A node of a test's own on which podman runs the image of scripts/image/, as a kubelet runs it by
 * chart/. No registry is needed: the base is made of programs of this machine, and what the first stage
 * of the Dockerfile would build is the shipped program.
 */
import { dirname, fromFileUrl, join } from "@std/path";
import { launcherText } from "../../lib/node/launcher.ts";
import { HEADCNI } from "../cli/shipped.ts";
import { run } from "../netns/namespace.ts";
import { missingScriptForm } from "../netns/other_release.ts";
import type { Container, PodSpec, VolumeMount } from "./helm.ts";
import type { Machine } from "./machine.ts";
import { PodmanHost } from "./podman.ts";

/** Where the program is on the node. */
export const PROGRAM = "/opt/headcni";

/** Where it is in the image. */
const IMAGE_PROGRAM = "/usr/lib/headcni";

/** What the image is called, and one of busybox alone. */
const IMAGE = "localhost/headcni:0.1.0";
const OTHER_IMAGE = "localhost/test";

/** What its Node is called. */
const NODE = "node1";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** What Debian's slim image has of what the Dockerfile and the program call. */
const BASE_PROGRAMS = ["sh", "ln"];

/** The node. */
export class ImageHost implements AsyncDisposable {
  readonly #podman: PodmanHost;
  #image = OTHER_IMAGE;

  private constructor(podman: PodmanHost) {
    this.#podman = podman;
  }

  /** Makes the machine. Until the image is built, containers are of one that has busybox alone. */
  static async start(): Promise<ImageHost> {
    const podman = await PodmanHost.start([]);
    try {
      await podman.run("mount", "-t", "tmpfs", "hct", "/opt");
      return new ImageHost(podman);
    } catch (error) {
      await podman[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Makes the image; nothing of it is on the node yet. */
  async build(): Promise<void> {
    await buildImage(this.#podman);
    this.#image = IMAGE;
  }

  /** Writes the image to a file that other runtimes import. */
  async save(path: string): Promise<void> {
    const format = ["--quiet", "--format=docker-archive"];
    await this.#podman.podman("save", ...format, `--output=${path}`, this.#image);
  }

  /** Runs podman on it. */
  podman(...args: readonly string[]): Promise<string> {
    return this.#podman.podman(...args);
  }

  /** The machine itself. */
  get machine(): Machine {
    return this.#podman;
  }

  /** Where a path of the machine is for this process. */
  pathOf(path: string): string {
    return `/proc/${this.#podman.pid}/root${path}`;
  }

  /**
   * A command that runs a container of a pod as the kubelet would.
   * @param folders folders and files of this machine for volumes that are none of the node.
   */
  async command(
    pod: PodSpec,
    container: Container,
    folders: Readonly<Record<string, string>> = {},
  ): Promise<Deno.Command> {
    const mounts = container.volumeMounts.map((mount) => {
      const hostPath = pod.volumes.find(({ name }) => name === mount.name)?.hostPath;
      return { ...mount, source: folders[mount.name] ?? hostPath?.path, type: hostPath?.type };
    });
    for (const { source = "", type } of mounts) {
      if (type === "DirectoryOrCreate") await this.machine.run("mkdir", "-p", source);
      if (type === "FileOrCreate") await this.machine.run("touch", source);
    }
    const [program = "", ...args] = [
      ...this.#podman.command,
      ...["run", "--rm", `--name=${container.name}`],
      `--cgroup-parent=/${this.machine.netns.name}`,
      `--network=${pod.hostNetwork ? "host" : "none"}`,
      ...pod.hostPID ? ["--pid=host"] : [],
      ...rightsOf(container),
      ...limitsOf(container),
      ...(container.env ?? []).map(({ name, value = NODE }) => `--env=${name}=${value}`),
      ...mounts.map(formatMount),
      ...(container.command ?? []).map((program) => `--entrypoint=${program}`),
      this.#image,
      ...container.args,
    ];
    return new Deno.Command(program, { args, stdout: "piped", stderr: "piped" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#podman[Symbol.asyncDispose]();
  }
}

function rightsOf({ securityContext }: Container): string[] {
  const { drop, add = [] } = securityContext.capabilities;
  return [
    `--user=${securityContext.runAsUser}`,
    ...drop.map((name) => `--cap-drop=${name}`),
    ...add.map((name) => `--cap-add=${name}`),
    ...securityContext.readOnlyRootFilesystem ? ["--read-only", "--read-only-tmpfs=false"] : [],
    ...securityContext.allowPrivilegeEscalation ? [] : ["--security-opt=no-new-privileges"],
  ];
}

/** Kubernetes writes "256Mi" for what podman calls "256m"; a node has no swap. */
function limitsOf({ resources }: Container): string[] {
  const memory = resources?.limits?.memory?.replace("Mi", "m");
  return memory === undefined ? [] : [`--memory=${memory}`, `--memory-swap=${memory}`];
}

/** One without a source is in memory. */
function formatMount(
  { source, mountPath, readOnly, mountPropagation }: VolumeMount & {
    readonly source: string | undefined;
  },
): string {
  if (source === undefined) return `--tmpfs=${mountPath}`;
  const propagation = mountPropagation === "HostToContainer" ? "rslave" : "rprivate";
  return `--volume=${source}:${mountPath}:${readOnly ? "ro" : "rw"},${propagation}`;
}

/** The last stage is built as it stands; in the place of the first one is what it would have made. */
async function buildImage(podman: PodmanHost): Promise<void> {
  const { folder } = podman;
  const text = await Deno.readTextFile(join(ROOT, "scripts/image/Dockerfile"));
  const file = join(folder, "Dockerfile");
  await Deno.writeTextFile(file, withoutSteps(text, "build"));
  const program = join(folder, "program");
  await placeProgram(join(program, IMAGE_PROGRAM));
  const base = await makeBase(join(folder, "base"));
  const buildArguments = {
    BUILD_BASE: "localhost/program",
    BUILD_DIGEST: await importFolder(podman, program, "localhost/program"),
    BASE: "localhost/base",
    BASE_DIGEST: await importFolder(podman, base, "localhost/base"),
    PACKAGES: "",
  };
  await podman.podman(
    ...["build", "--quiet", "--isolation=chroot", `--file=${file}`, `--tag=${IMAGE}`],
    ...Object.entries(buildArguments).map(([name, value]) => `--build-arg=${name}=${value}`),
    ROOT,
  );
}

/** Makes the shipped program one that is in the image. */
async function placeProgram(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await run("cp", "-RL", HEADCNI, join(dirname(HEADCNI), "libexec"), folder);
  if (missingScriptForm()) return;
  await Deno.writeTextFile(join(folder, "headcni"), launcherText(IMAGE_PROGRAM));
}

/** A Dockerfile whose stage of that name is its base, and nothing else. */
function withoutSteps(dockerfile: string, stage: string): string {
  return dockerfile.replace(
    new RegExp(`^(FROM .* AS ${stage}\\n).*?(?=^FROM )`, "ms"),
    "$1\n",
  );
}

/** Makes an image of a folder; answers its digest. */
async function importFolder(podman: PodmanHost, folder: string, name: string): Promise<string> {
  const archive = `${folder}.tar`;
  await run("tar", "-C", folder, "-cf", archive, ".");
  await podman.podman("import", "--quiet", archive, name);
  return await podman.podman("image", "inspect", "--format={{.Digest}}", name);
}

/** A root of a shell, some programs and the libraries that they and Deno need. */
async function makeBase(folder: string): Promise<string> {
  const bins = join(folder, "usr/bin");
  for (const name of ["usr/bin", "usr/local/bin", "etc", "opt", "tmp", "run", "var", "proc"]) {
    await Deno.mkdir(join(folder, name), { recursive: true });
  }
  await Deno.symlink("usr/bin", join(folder, "bin"));
  for (const name of BASE_PROGRAMS) {
    await run("cp", "-L", `/usr/bin/${name}`, join(bins, name));
  }
  const programs = [...BASE_PROGRAMS.map((name) => `/usr/bin/${name}`), Deno.execPath()];
  for (const library of new Set((await Promise.all(programs.map(librariesOf))).flat())) {
    await Deno.mkdir(join(folder, dirname(library)), { recursive: true });
    await run("cp", "-L", library, join(folder, library));
  }
  return folder;
}

/** Paths of what the dynamic linker loads for a program. */
async function librariesOf(program: string): Promise<string[]> {
  const text = await run("ldd", program);
  return Array.from(text.matchAll(/(\/\S+) \(0x/g), ([, path = ""]) => path);
}
