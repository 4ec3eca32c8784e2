/**
 * A whole cluster of a test's own: Kubernetes beside Headscale, and nodes without a pod network, all of
 * real programs. Only images are brought to the nodes by hand.
 */
import { join } from "@std/path";
import { formatPolicy } from "../../lib/mesh/policy.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { HEADCNI } from "../cli/shipped.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { missingScriptForm } from "../netns/other_release.ts";
import { IMAGE as BUSYBOX, missingContainerd } from "./containerd.ts";
import { archiveImage } from "./docker_archive.ts";
import { ImageHost } from "./image.ts";
import { KubeNode, type KubeNodeOptions, missingGroups } from "./kube_node.ts";
import { Cluster, MISSING_KUBERNETES, type Outcome } from "./kubernetes.ts";
import { archiveBusybox, missingFor } from "./machine.ts";
import { TAILSCALED } from "./real_tailscaled.ts";
import { HeadscaleServer } from "./tailnet/headscale.ts";
import { Internet } from "./tailnet/internet.ts";
import { missingMesh } from "./tailnet/mesh.ts";
import { until } from "./tailnet/until.ts";

/** The pod network. */
export const POD_CIDR = "10.42.0.0/16";
/** Of nodes in their tailnet. */
export const TAG = "tag:headcni";
/** Where HeadCNI is installed. */
const NAMESPACE = "headcni";

/** Of nothing but tailscaled. */
export const TAILSCALED_IMAGE = "localhost/tailscaled:1";

const NODES = ["one", "two"];

/** A web server on each of two nodes, and a service. */
const WEB = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: NODES.length,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 0,
          topologySpreadConstraints: [{
            ...{ maxSkew: 1, topologyKey: "kubernetes.io/hostname" },
            whenUnsatisfiable: "DoNotSchedule",
            labelSelector: { matchLabels: { app: "web" } },
          }],
          containers: [{
            name: "web",
            image: BUSYBOX,
            imagePullPolicy: "Never",
            command: ["httpd", "-f", "-vv", "-p", "80", "-h", "/"],
            readinessProbe: { httpGet: { path: "/index.html", port: 80 }, periodSeconds: 1 },
          }],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  },
];

/** A pod that serves. */
export interface WebPod {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
}

interface KubePod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP?: string };
}

/** The cluster; all ends with it. */
export class KubeCluster implements AsyncDisposable {
  readonly internet: Internet;
  readonly headscale: HeadscaleServer;
  readonly api: Cluster;
  readonly nodes: readonly KubeNode[];
  readonly #owned: AsyncDisposableStack;

  private constructor(
    internet: Internet,
    headscale: HeadscaleServer,
    api: Cluster,
    nodes: readonly KubeNode[],
    owned: AsyncDisposableStack,
  ) {
    this.internet = internet;
    this.headscale = headscale;
    this.api = api;
    this.nodes = nodes;
    this.#owned = owned;
  }

  /** Starts one; its nodes wait for their network. */
  static async start(options: Pick<KubeNodeOptions, "hasTailscaled">): Promise<KubeCluster> {
    await using owned = new AsyncDisposableStack();
    const internet = owned.use(await Internet.make());
    const policy = formatPolicy({ clusterCidrs: [parsePrefix(POD_CIDR)], tags: [TAG] });
    const headscale = owned.use(await HeadscaleServer.start(internet, "0.29.2", policy));
    const api = owned.use(await Cluster.start(internet));
    api.startControllers(POD_CIDR);
    const images = [await saveImage(join(api.folder, "headcni.tar"))];
    if (!options.hasTailscaled) images.push(await makeTailscaledImage(api.folder));
    const nodes: KubeNode[] = [];
    for (const name of NODES) {
      const node = await KubeNode.start(
        { cluster: api, internet, headscale },
        { ...options, name, images, podCidr: POD_CIDR },
      );
      nodes.push(owned.use(node));
    }
    await internet.watch(POD_CIDR);
    await become(api, NODES.map((name) => `${name} False`));
    return new KubeCluster(internet, headscale, api, nodes, owned.move());
  }

  /** Writes a file of a person at a workstation; answers its path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.api.folder, name);
    await Deno.writeTextFile(path, text, { mode: 0o600 });
    return path;
  }

  /** A pre-auth key with the tag. */
  makeKey(): Promise<string> {
    return this.headscale.makeAuthKey({ tags: [TAG] });
  }

  /** Runs our program at a workstation. */
  headcni(...args: readonly string[]): Promise<Outcome> {
    return this.api.try([HEADCNI, ...args, `--namespace=${NAMESPACE}`]);
  }

  /** Waits until both nodes are ready, by their tailnet too. */
  async ready(): Promise<void> {
    await become(this.api, NODES.map((name) => `${name} True`));
    const rollout = ["rollout", "status", "daemonset/headcni", "--timeout=90s"];
    await this.api.kubectl(`--namespace=${NAMESPACE}`, ...rollout);
  }

  /** Has a pod serve on each node, and a service lead to them; answers when they do. */
  async serve(): Promise<readonly [WebPod, WebPod]> {
    const text = WEB.map((object) => `---\n${JSON.stringify(object)}`).join("\n");
    await this.api.run(["kubectl", "create", "--filename=-"], text);
    await this.api.kubectl("rollout", "status", "deployment/web", "--timeout=60s");
    const [one, other, ...more] = await this.webPods();
    if (!one || !other || more.length > 0) throw new Error("two pods wanted");
    return [one, other];
  }

  /** The pods that serve, in the order of their names. */
  async webPods(): Promise<WebPod[]> {
    const text = await this.api.kubectl("get", "pods", "--selector=app=web", "--output=json");
    const { items }: { items: KubePod[] } = JSON.parse(text);
    return items.map(({ metadata, spec, status }) => ({
      ...{ name: metadata.name, node: spec.nodeName, ip: status.podIP ?? "" },
    }));
  }

  /** What a pod gets of a web server. */
  async get({ name }: WebPod, address: string): Promise<string> {
    const command = ["wget", "-q", "-O-", `http://${address}/index.html`];
    return await this.api.kubectl("exec", name, "--", ...command);
  }

  /** Address of the service. */
  service(): Promise<string> {
    return this.api.kubectl("get", "service", "web", "--output=jsonpath={.spec.clusterIP}");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}

/** Registers a test of a cluster; its name says why it is skipped. */
export function kubeClusterTest(
  name: string,
  options: Pick<KubeNodeOptions, "hasTailscaled">,
  fn: (cluster: KubeCluster, t: Deno.TestContext) => Promise<void>,
): void {
  const missing = MISSING_KUBERNETES || missingMesh() || missingContainerd() ||
    missingScriptForm() || missingFor(["/usr/bin/podman"]) || missingGroups();
  testUnless(missing, `kubernetes: ${name}`, async (t) => {
    await using cluster = await KubeCluster.start(options);
    await fn(cluster, t);
  });
}

/** Waits for what is said of each node's readiness. */
async function become(api: Cluster, wanted: readonly string[]): Promise<void> {
  const ready = '{.status.conditions[?(@.type=="Ready")].status}';
  const lines = `{range .items[*]}{.metadata.name} ${ready}{"\\n"}{end}`;
  await until(wanted.join(", "), async () => {
    const text = await api.kubectl("get", "nodes", `--output=jsonpath=${lines}`);
    return text.trim().split("\n").toSorted().join() === wanted.join();
  });
}

/** Our image, as it is built; answers the path. */
async function saveImage(path: string): Promise<string> {
  await using builder = await ImageHost.start();
  await builder.build();
  await builder.save(path);
  return path;
}

/** The official one cannot be had here: its program alone. */
async function makeTailscaledImage(folder: string): Promise<string> {
  const place = join(folder, "tailscaled");
  await Deno.mkdir(place);
  const layer = await archiveBusybox(place, [TAILSCALED]);
  return await archiveImage(layer, TAILSCALED_IMAGE);
}
