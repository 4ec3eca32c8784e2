/** Bundles of nodes, brought to a workstation, and one of what the API server knows. */
import { join } from "@std/path";
import { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { ConfigError, errorText, HeadcniError } from "../../../lib/errors.ts";
import { writeAll } from "../../streams.ts";
import { choosePods } from "../cluster/daemon_pods.ts";
import { cannot, type Chosen, execArguments, isPod } from "../cluster/run_on_nodes.ts";
import type { NodeTarget } from "../cluster/target.ts";
import { bundleName } from "./bundle_name.ts";
import { type CollectedItem, collectItems, type Item } from "./item.ts";
import { objectItems, podLogItems } from "./kubernetes_items.ts";
import { createBundle, writeBundle } from "./write_bundle.ts";

/** What is wanted. */
export interface NodesOrder {
  readonly target: NodeTarget;
  /** Where bundles go; it is made if it is not there. */
  readonly outputDir: string;
  readonly includeLogs: boolean;
  readonly includeYaml: boolean;
  onItem(item: CollectedItem): void;
}

/**
 * Collects a bundle of each node, and one of Kubernetes where objects or logs are wanted; tells the path of
 * each.
 * @throws HeadcniError with what could not be had, when all the rest is there.
 */
export async function diagnoseNodes(order: NodesOrder): Promise<void> {
  const { target, outputDir, includeLogs, includeYaml } = order;
  const kubectl = new Kubectl(target.access);
  const chosen = await choosePods(kubectl, target);
  makeDirectory(outputDir);
  const failures: string[] = [];
  for (const node of chosen) {
    try {
      console.log(await fetchBundle(kubectl, node, order));
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      failures.push(errorText(error));
    }
  }
  const pods = chosen.filter((one) => "name" in one);
  const items = [
    ...includeYaml ? objectItems(kubectl) : [],
    ...includeLogs ? podLogItems(kubectl, pods) : [],
  ];
  if (items.length > 0) console.log(await collectHere(items, order));
  const [first, ...others] = failures;
  if (first === undefined) return;
  throw new HeadcniError("io-failure", first, {
    ...others.length > 0 && { details: others.join("\n") },
  });
}

async function fetchBundle(
  kubectl: Kubectl,
  pod: Chosen,
  { outputDir, includeLogs }: NodesOrder,
): Promise<string> {
  if (!isPod(pod)) throw new HeadcniError("unavailable", cannot(pod));
  const path = join(outputDir, bundleName(pod.node));
  using file = createBundle(path);
  const args = ["diagnostics", "--output-file", "-", ...includeLogs ? ["--include-logs"] : []];
  let said = "";
  const code = await kubectl.stream(execArguments(pod, args), {
    stdout: (bytes) => writeAll(file, bytes),
    onErrorLine: (line) => said = line,
  });
  if (code === 0) return path;
  Deno.removeSync(path);
  throw new HeadcniError(
    "delegate-failure",
    `Cannot collect on node "${pod.node}": ${said || `exit code ${code}`}`,
  );
}

async function collectHere(
  items: readonly Item[],
  { outputDir, onItem }: NodesOrder,
): Promise<string> {
  const path = join(outputDir, bundleName("kubernetes"));
  using file = createBundle(path);
  const { files } = await collectItems(items, [], onItem);
  await writeBundle(file, files);
  return path;
}

function makeDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const text = `Cannot make the folder "${path}": ${errorText(cause)}`;
    throw new HeadcniError("io-failure", text, { cause });
  }
}
