/** What has to be there before a release is put into a cluster. */
import { dirname, join } from "@std/path";
import * as v from "valibot";
import { isPresent } from "../../../lib/attach/left_over.ts";
import type { Helm } from "../../../lib/delegate/helm.ts";
import type { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { ClientError, ConfigError } from "../../../lib/errors.ts";
import { parseWith } from "../../../lib/schema.ts";

/** Oldest releases that do: values of before are kept (helm 3.14), what the chart makes (1.20). */
const LEAST_HELM = [3, 14] as const;
const LEAST_KUBERNETES = [1, 20] as const;

const VersionSchema = v.object({ serverVersion: v.object({ gitVersion: v.string() }) });

/**
 * Asks both tools and the cluster.
 * @returns what was found, for people.
 * @throws ClientError that names what is missing or too old, and what to do.
 */
export async function checkTools(kubectl: Kubectl, helm: Helm): Promise<string> {
  const text = await kubectl.run("reach the cluster", ["version", "--output=json"]);
  const { serverVersion } = parseWith(VersionSchema, parseJson(text), "the version of the cluster");
  requireVersion("Kubernetes", serverVersion.gitVersion, LEAST_KUBERNETES);
  const helmVersion = await helm.run("ask Helm for its version", [
    ...["version", "--template={{.Version}}"],
  ]);
  requireVersion("Helm", helmVersion.trim(), LEAST_HELM);
  return `Kubernetes ${serverVersion.gitVersion}, Helm ${helmVersion.trim()}`;
}

/** Makes the namespace if it is missing; answers whether it was. @throws ClientError */
export async function ensureNamespace(
  kubectl: Kubectl,
  namespace: string,
  dryRun: boolean,
): Promise<boolean> {
  const get = ["get", "namespaces", namespace, "--ignore-not-found", "--output=name"];
  const found = await kubectl.run(`look for namespace "${namespace}"`, get);
  if (found.trim() !== "") return false;
  if (!dryRun) {
    const stdin = JSON.stringify(namespaceManifest(namespace));
    await kubectl.run(`make namespace "${namespace}"`, ["create", "--filename=-"], { stdin });
  }
  return true;
}

/** One that may hold pods that work on the node itself, whatever the cluster allows by default. */
function namespaceManifest(name: string): unknown {
  const labels = { "pod-security.kubernetes.io/enforce": "privileged" };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/**
 * The chart: what is named, else the folder `chart` beside the program, or beside the folder it is in.
 * @param program path of the program.
 * @throws ConfigError when there is none.
 */
export function findChart(named: string | undefined, program: string): string {
  if (named !== undefined) return named;
  const folder = dirname(realPath(program));
  const places = [join(folder, "chart"), join(folder, "..", "chart")];
  const found = places.find((place) => isPresent(join(place, "Chart.yaml")));
  if (found !== undefined) return found;
  throw new ConfigError(
    "invalid-config",
    `Cannot find the chart: it is not in "${places.join('" or "')}"; --chart names it`,
  );
}

function requireVersion(what: string, text: string, least: readonly [number, number]): void {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(text) ?? [];
  const [have, want] = [Number(major) * 1_000 + Number(minor), least[0] * 1_000 + least[1]];
  if (have >= want) return;
  throw new ClientError(
    "delegate-failure",
    `Cannot use ${what} "${text}": ${least.join(".")} or newer wanted`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}
