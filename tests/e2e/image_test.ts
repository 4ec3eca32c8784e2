/** The image as containers that have what the chart gives them, and no more. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { pause } from "../../lib/pause.ts";
import { LocalApi } from "../../lib/tailscale/local_api.ts";
import { VERSION } from "../../lib/version.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { READY } from "../netns/daemon.ts";
import { makeRelease, missingScriptForm } from "../netns/other_release.ts";
import { type Container, findObject, HELM, type PodSpec, podSpecOf, render } from "./helm.ts";
import { ImageHost, PROGRAM } from "./image.ts";
import { missingFor } from "./machine.ts";
import { missingTailscaled, PATIENCE_MS, TAILSCALED } from "./real_tailscaled.ts";

const ASK_AGAIN_MS = 20;

const SUBNET = "10.9.0.0/24";
const CONF_DIR = "/opt/node/net.d";
const BIN_DIR = "/opt/cni/bin";

const VALUES = {
  config: {
    network: { podCIDR: { nodeLocal: SUBNET } },
    cni: { confDir: CONF_DIR, binDir: BIN_DIR },
    kube: { access: "off" },
    tailscale: { mode: "off" },
  },
};

const PLACE_OTHERS = `
  printf '#!/bin/sh\\n' >${BIN_DIR}/headcni
  chmod 750 ${BIN_DIR}/headcni
  chown 1001:1001 ${BIN_DIR} ${BIN_DIR}/headcni`;
const SHOW_OTHERS = `
  find ${BIN_DIR} -printf '%p %y %m %U:%G\\n' | sort
  cat ${BIN_DIR}/headcni`;

const decoder = new TextDecoder();

testUnless(
  HELM.missing || missingScriptForm() || missingFor(["/usr/bin/podman"]),
  "helm: the image makes a node ready with the rights that the chart gives it",
  async () => {
    await using host = await ImageHost.start();
    await host.build();
    const objects = await render({ values: VALUES });
    const pod = podSpecOf(findObject(objects, "DaemonSet"));
    const test = podSpecOf(findObject(objects, "Pod"));
    const [install] = pod.initContainers;
    const [daemon] = pod.containers;
    const [verify] = test.containers;

    const settings = join(host.machine.folder, "settings");
    await Deno.mkdir(settings);
    const { data } = findObject(objects, "ConfigMap");
    await Deno.writeTextFile(join(settings, "daemon.yaml"), data?.["daemon.yaml"] ?? "");
    const end = async (pod: PodSpec, container: Container) => {
      const { code, stdout, stderr } = await (await host.command(pod, container, { settings }))
        .output();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    };

    // Another network was there, in a folder that an archive gave to somebody.
    await host.machine.run("mkdir", "-p", "/var/lib/kubelet", PROGRAM, BIN_DIR);
    await host.machine.run("sh", "-ec", PLACE_OTHERS);
    const before = await host.machine.run("sh", "-ec", SHOW_OTHERS);
    assertStringIncludes((await end(test, verify)).stderr, `${PROGRAM}/headcni`);
    const installed = await end(pod, install);
    assertEquals([installed.code, installed.stderr], [0, ""], installed.stdout);
    // As by another image, and then by this one again.
    const other = await makeRelease(`${host.machine.folder}/other`, { version: "0.0.9" });
    const env = ["env", `HEADCNI_CONFIG=${settings}/daemon.yaml`];
    await host.machine.run(...env, other, "install", "--service=none", "--no-command");
    const switched = await end(pod, install);
    assertStringIncludes(switched.stdout, `${PROGRAM}/headcni: linked to releases/${VERSION}`);
    const releases = await host.machine.run("ls", `${PROGRAM}/releases`);
    assertEquals(releases.split("\n").map((name) => name.split("-")[0]), ["0.0.9", VERSION, ""]);
    assertStringIncludes((await end(pod, install)).stdout, "there is nothing to do");
    // What is lost on the node is put back, and told until then.
    await host.machine.run("sh", "-ec", `rm ${PROGRAM}/releases/${VERSION}-*/libexec/plugin.js`);
    assertEquals((await end(test, verify)).code, 1);
    const mended = await end(pod, install);
    assertEquals([mended.code, mended.stdout.split("\n").indexOf("")], [0, 1], mended.stdout);
    await host.machine.run("rm", `${BIN_DIR}/headcni-ipam`);
    assertStringIncludes((await end(test, verify)).stdout, `${BIN_DIR}/headcni-ipam is not there`);

    await host.machine.netns.run("sysctl", "-qw", "net.ipv4.ip_forward=0");
    {
      await using running = new RunningContainer(
        host,
        daemon.name,
        await host.command(pod, daemon, { settings }),
      );
      const lines = await running.until(READY.message as string);
      assertEquals(lines.filter((line) => /"level":"(warn|error)"/.test(line)), []);
      // The chart's probes, as the kubelet asks them.
      const [{ containerPort = 0 } = {}] = daemon.ports ?? [];
      for (const probe of [daemon.startupProbe, daemon.livenessProbe, daemon.readinessProbe]) {
        const { host: address, path } = probe?.httpGet ?? {};
        await host.machine.netns.run("curl", "-fsS", `http://${address}:${containerPort}${path}`);
      }
      assertEquals(await host.machine.netns.run("sysctl", "-n", "net.ipv4.ip_forward"), "1\n");
      assertStringIncludes(await host.machine.netns.run("nft", "list", "ruleset"), "masquerade");
      // A person asks beside it, by the same settings.
      const shown = await host.podman("exec", daemon.name, "headcni", "config", "show");
      assertStringIncludes(shown, CONF_DIR);
      const after = await end(test, verify);
      assertEquals(after.code, 0, after.stderr);
      // What the install put there is what the daemon wants there.
      assertEquals(
        await host.machine.run("readlink", `${BIN_DIR}/headcni`),
        `${PROGRAM}/headcni\n`,
      );
      assertEquals(await running.end(), 0);
    }

    // The runtime calls what is on the node, whether the daemon runs or not.
    const { plugins: [plugin], ...list } = JSON.parse(
      await host.machine.run("cat", `${CONF_DIR}/05-headcni.conflist`),
    );
    const network = JSON.stringify({ ...plugin, name: list.name, cniVersion: "1.0.0" });
    await host.machine.run("ip", "netns", "add", "pod");
    const call = (command: string) =>
      host.machine.run(
        ...["env", `CNI_COMMAND=${command}`, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0"],
        ...["CNI_NETNS=/run/netns/pod", `CNI_PATH=${BIN_DIR}`],
        ...["sh", "-c", `printf %s '${network}' | ${BIN_DIR}/headcni`],
      );
    assertEquals(JSON.parse(await call("ADD")).ips[0].address, "10.9.0.2/24");
    await host.machine.run("ip", "netns", "exec", "pod", "ping", "-c1", "-W5", "10.9.0.1");
    await call("DEL");

    // As chart/README.md says, when Helm has ended the daemon.
    const config = `--config=${settings}/daemon.yaml`;
    await host.machine.run(`${PROGRAM}/headcni`, "uninstall", config);
    assertEquals(await host.machine.run("sh", "-ec", SHOW_OTHERS), before);
    assertEquals(await host.machine.run("ls", "-A", PROGRAM), "");
  },
);

testUnless(
  HELM.missing || missingTailscaled() || missingFor(["/usr/bin/podman"]),
  "helm: a tailscaled of our own runs with the rights that the chart gives it",
  async () => {
    await using host = await ImageHost.start();
    const objects = await render({ values: { config: { tailscale: { mode: "own", mtu: 1300 } } } });
    const pod = podSpecOf(findObject(objects, "DaemonSet", "headcni-tailscaled"));
    const [tailscaled] = pod.containers;
    // Its image cannot be had here: the program alone is put into ours.
    const program = { name: "program", mountPath: "/usr/local/bin/tailscaled", readOnly: true };
    const container = { ...tailscaled, volumeMounts: [...tailscaled.volumeMounts, program] };
    await using _running = new RunningContainer(
      host,
      tailscaled.name,
      await host.command(pod, container, { program: TAILSCALED }),
    );
    using api = new LocalApi(host.pathOf("/run/headcni/headcni_tailscale.sock"));
    assertEquals((await answer(api)).hasTun, true);
    const [link] = await host.machine.netns.ip("link", "show", "dev", "headcni01");
    assertEquals(link?.mtu, 1300);
    assertStringIncludes(
      await host.machine.run("ls", "/var/lib/headcni/tailscale"),
      "tailscaled.state",
    );
  },
);

/** Its status, as soon as it listens. */
async function answer(api: LocalApi) {
  const end = AbortSignal.timeout(PATIENCE_MS);
  for (;;) {
    try {
      return await api.status();
    } catch (error) {
      if (end.aborted) throw error;
      await pause(ASK_AGAIN_MS);
    }
  }
}

/** A container that runs. */
class RunningContainer implements AsyncDisposable {
  readonly #host: ImageHost;
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #said: Promise<string>;

  constructor(host: ImageHost, name: string, command: Deno.Command) {
    this.#host = host;
    this.#name = name;
    this.#child = command.spawn();
    this.#said = new Response(this.#child.stderr).text();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /**
   * Reads until something is told; answers the lines up to then.
   * @throws Error with all that was told when it ends before, or is ended because it takes too long.
   */
  async until(text: string): Promise<string[]> {
    const patience = setTimeout(() => void this.#host.podman("kill", this.#name), PATIENCE_MS);
    try {
      let all = "";
      while (!all.includes(text)) {
        const { value } = await this.#output.read();
        if (value === undefined) throw new Error(`Cannot see "${text}": ${all}${await this.#said}`);
        all += value;
      }
      return all.split("\n");
    } finally {
      clearTimeout(patience);
    }
  }

  /** Ends it as the kubelet does; answers its exit code. */
  async end(): Promise<number> {
    await this.#host.podman("stop", "--ignore", "--time=30", this.#name);
    while ((await this.#output.read()).value !== undefined);
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.#said;
  }
}
