/** Real Helm, as a user runs it on chart/. */
import { fromFileUrl, join } from "@std/path";
import { parseAllDocuments, stringify } from "yaml";
import { testUnless } from "../fakes/test_unless.ts";
import { findPeers } from "./peers.ts";

/** The chart's folder. */
export const CHART = fromFileUrl(new URL("../../chart", import.meta.url));

/** The Kubernetes that is rendered for, if a test says nothing else. */
const KUBE_VERSION = "1.34.4";

/** An object of Kubernetes, with the parts that tests look at. */
export interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  // deno-lint-ignore no-explicit-any -- each kind has another one
  readonly spec?: any;
  readonly [key: string]: unknown;
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

/** The pod of an object that has or is one; undefined for any other. */
// deno-lint-ignore no-explicit-any -- see KubeObject
export function podSpecOf({ kind, spec }: KubeObject): any {
  return kind === "Pod" ? spec : spec?.template?.spec;
}
