/** How a node reaches the API server: by a kubeconfig, or by what a pod finds in its own files. */
import * as v from "valibot";
import { parse as parseYaml } from "yaml";
import { ConfigError, errorText } from "../errors.ts";
import { parseWith } from "../schema.ts";

/** A way to the API server. */
export interface KubeAccess {
  /** Where it was found, for people. */
  readonly source: string;
  /** Base address without a slash at its end, such as `https://10.96.0.1:443`. */
  readonly server: string;
  /** Certificates in PEM that its own must come from; undefined: those of the system. */
  readonly caPem: string | undefined;
  /** Our certificate and its key in PEM. */
  readonly client: { readonly certPem: string; readonly keyPem: string } | undefined;
  /** The token of each request; read anew each time, for the kubelet replaces it. */
  token(): string | undefined;
}

/** Where the kubelet puts the identity of a pod: Kubernetes, "Accessing the API from a Pod". */
const POD_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Kubeconfigs that a node may have, those of the least right first: the kubelet's own may read and
 * patch its own node. k3s, docs "Cluster Access"; kubeadm, "kubeadm init" phases.
 */
export const NODE_KUBECONFIGS: readonly string[] = [
  "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
  "/etc/kubernetes/kubelet.conf",
  "/etc/rancher/k3s/k3s.yaml",
  "/etc/kubernetes/admin.conf",
];

/** Where to look. */
export interface AccessSources {
  /** A file that the user named: nothing else is tried then. */
  readonly kubeconfig: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Put before absolute paths, for a container that sees the node's files somewhere else. */
  readonly root?: string;
}

/**
 * Finds a way to the API server; undefined when there is none, which is no fault.
 * @throws ConfigError when there is one that cannot be used.
 */
export function findAccess({ kubeconfig, env, root = "" }: AccessSources): KubeAccess | undefined {
  if (kubeconfig !== undefined) return readKubeconfig(kubeconfig);
  const pod = podAccess(env);
  if (pod) return pod;
  const path = NODE_KUBECONFIGS.map((path) => root + path).find(isFile);
  return path === undefined ? undefined : readKubeconfig(path);
}

/**
 * Reads a kubeconfig: its current context, or its only one.
 * @throws ConfigError that names the file and what is wrong.
 */
export function readKubeconfig(path: string): KubeAccess {
  const what = `kubeconfig "${path}"`;
  const config = parseWith(Kubeconfig, parseText(readText(path, what), what), what);
  const byName = <T extends { readonly name: string }>(list: readonly T[], name: string) =>
    list.find((each) => each.name === name);
  const current = config["current-context"];
  const context = current ? byName(config.contexts, current) : config.contexts[0];
  if (!context) throw unusable(what, `it has no context "${current ?? ""}"`);
  const cluster = byName(config.clusters, context.context.cluster)?.cluster;
  if (!cluster) throw unusable(what, `it has no cluster "${context.context.cluster}"`);
  const user = byName(config.users, context.context.user)?.user ?? {};
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const pem = (data: string | undefined, file: string | undefined) =>
    data ? decodeBase64(data, what) : file && readText(beside(folder, file), what);
  const certPem = pem(user["client-certificate-data"], user["client-certificate"]);
  const keyPem = pem(user["client-key-data"], user["client-key"]);
  const { token, tokenFile } = user;
  return {
    source: path,
    server: cluster.server.replace(/\/+$/, ""),
    caPem: pem(cluster["certificate-authority-data"], cluster["certificate-authority"]),
    client: certPem && keyPem ? { certPem, keyPem } : undefined,
    token: () =>
      token ?? (tokenFile ? readText(beside(folder, tokenFile), what).trim() : undefined),
  };
}

/** Undefined outside of a pod. */
function podAccess(env: AccessSources["env"]): KubeAccess | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  const tokenFile = `${POD_DIRECTORY}/token`;
  if (!host || !isFile(tokenFile)) return undefined;
  const what = "the identity of this pod";
  return {
    source: "pod",
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    caPem: readText(`${POD_DIRECTORY}/ca.crt`, what),
    client: undefined,
    token: () => readText(tokenFile, what).trim(),
  };
}

const text = v.exactOptional(v.string());
/** The parts of `Config` of client-go's clientcmd/api/v1 that we follow. */
const Kubeconfig = v.object({
  "current-context": text,
  contexts: v.optional(
    v.array(v.object({
      name: v.string(),
      context: v.object({ cluster: v.string(), user: v.string() }),
    })),
    [],
  ),
  clusters: v.optional(
    v.array(v.object({
      name: v.string(),
      cluster: v.object({
        server: v.pipe(v.string(), v.url("an address wanted")),
        "certificate-authority": text,
        "certificate-authority-data": text,
      }),
    })),
    [],
  ),
  users: v.optional(
    v.array(v.object({
      name: v.string(),
      user: v.object({
        token: text,
        tokenFile: text,
        "client-certificate": text,
        "client-certificate-data": text,
        "client-key": text,
        "client-key-data": text,
      }),
    })),
    [],
  ),
});

function beside(folder: string, path: string): string {
  return path.startsWith("/") ? path : folder + path;
}

function parseText(yaml: string, what: string): unknown {
  try {
    return parseYaml(yaml);
  } catch (cause) {
    throw unusable(what, errorText(cause), cause);
  }
}

function decodeBase64(data: string, what: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(data));
  } catch (cause) {
    throw unusable(what, "a value that ends in -data is no base64", cause);
  }
}

function readText(path: string, what: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw unusable(what, errorText(cause), cause);
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function unusable(what: string, seen: string, cause?: unknown): ConfigError {
  return new ConfigError("invalid-config", `Cannot use ${what}: ${seen}`, { cause });
}
