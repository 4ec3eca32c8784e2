/** Real Helm, as a user runs it on chart/. */
import { fromFileUrl, join } from "@std/path";
import { parseAllDocuments, stringify } from "yaml";
import { testUnless } from "../fakes/test_unless.ts";
import { findPeers } from "./peers.ts";

/** The chart's folder. */
export const CHART = fromFileUrl(new URL("../../chart", import.meta.url));

/** The Kubernetes that is rendered for, if a test says nothing else. */
const KUBE_VERSION = "1.34.4";

/** An object of Kubernetes; what no test looks at, and what a kind has not, is left out. */
export interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly subjects?: readonly unknown[];
  readonly spec: ObjectSpec;
}

/** Of a DaemonSet, a Service or a ServiceMonitor. */
export interface ObjectSpec {
  readonly updateStrategy: unknown;
  readonly template: {
    readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
    readonly spec: PodSpec;
  };
  readonly publishNotReadyAddresses: boolean;
  readonly ports: unknown;
  readonly selector: { readonly matchLabels?: unknown };
  readonly endpoints: readonly { readonly port: string }[];
}

/** A pod. */
export interface PodSpec {
  readonly serviceAccountName: string;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly priorityClassName: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations?: readonly unknown[];
  readonly initContainers: readonly [Container];
  readonly containers: readonly [Container];
  readonly volumes: readonly Volume[];
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly image: string;
  /** In the place of the image's entrypoint. */
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: unknown;
  }[];
  readonly resources?: { readonly limits?: { readonly memory?: string } };
  readonly ports?: readonly [{ readonly containerPort: number }];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly securityContext: {
    readonly privileged?: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly runAsUser: number;
    readonly appArmorProfile?: unknown;
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  };
  readonly volumeMounts: readonly VolumeMount[];
}

/** A probe that the kubelet asks by HTTP. */
export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly host?: string };
}

/** Where a volume is in a container. */
export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
  readonly mountPropagation?: string;
}

/** A volume of the kinds that the chart has. */
export interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly secret?: unknown;
}

/** How a run of Helm ended. */
export interface HelmOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is rendered. */
export interface RenderOptions {
  /** As a file of values has them. */
  readonly values?: unknown;
  readonly args?: readonly string[];
  readonly release?: string;
}

const found = findPeers("helm");
const decoder = new TextDecoder();

/** The program's path, and why there is none. */
export const HELM: { readonly path: string; readonly missing: string } = {
  path: join(found.path, "helm"),
  missing: found.missing,
};

/** Registers a test that needs Helm. */
export function helmTest(name: string, fn: () => Promise<void>): void {
  testUnless(HELM.missing, `helm: ${name}`, fn);
}

/** Runs Helm, without what it may have been told on this machine. */
export async function runHelm(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<HelmOutcome> {
  const home = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const output = await new Deno.Command(HELM.path, {
      args: [...args],
      clearEnv: true,
      env: { HOME: home, ...env },
    }).output();
    return {
      code: output.code,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** `helm template`, whatever becomes of it. */
export async function tryRender(
  { values = {}, args = [], release = "headcni" }: RenderOptions = {},
): Promise<HelmOutcome> {
  const file = await Deno.makeTempFile({ prefix: "hct", suffix: ".yaml" });
  try {
    await Deno.writeTextFile(file, typeof values === "string" ? values : valuesText(values));
    const kube = [`--kube-version=${KUBE_VERSION}`, "--namespace=kube-system"];
    return await runHelm(["template", release, CHART, ...kube, `--values=${file}`, ...args]);
  } finally {
    await Deno.remove(file);
  }
}

/** Helm reads YAML 1.1, in which "yes" and "off" are no texts. */
function valuesText(values: unknown): string {
  return stringify(values, { version: "1.1" });
}

/**
 * The objects that the chart makes of these values.
 * @throws Error with what Helm said.
 */
export async function render(options: RenderOptions = {}): Promise<KubeObject[]> {
  const { code, stdout, stderr } = await tryRender(options);
  if (code !== 0) throw new Error(`Cannot render the chart: ${stderr}`);
  return parseAllDocuments(stdout).flatMap((document) => document.toJS() ?? []);
}

/**
 * The object of a kind and name.
 * @throws Error when there is none.
 */
export function findObject(
  objects: readonly KubeObject[],
  kind: string,
  name?: string,
): KubeObject {
  const found = objects.find((object) =>
    object.kind === kind && (name === undefined || object.metadata.name === name)
  );
  if (!found) throw new Error(`Cannot find ${kind} "${name ?? ""}" in what was rendered`);
  return found;
}

/** The pod of a DaemonSet, or of a Pod. */
export function podSpecOf({ kind, spec }: KubeObject): PodSpec {
  return kind === "Pod" ? spec as unknown as PodSpec : spec.template.spec;
}
