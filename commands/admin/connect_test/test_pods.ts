/** Pods of a trial that Kubernetes makes: on each wanted node one, and on the first of them another. */
import * as v from "valibot";
import type { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { parseWith } from "../../../lib/schema.ts";

/** What is made. */
export interface TestPodsOrder {
  readonly nodes: readonly string[];
  readonly image: string;
  /** Tells this trial from others. */
  readonly run: string;
  /** Until all run, in seconds. */
  readonly startSeconds: number;
}

/** A pod that runs. */
export interface TestPod {
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
}

const NAME = "headcni-connect-test";
const CONTAINER = "trial";
/** Kubernetes ends them itself if nobody is left to do so. */
const LIFETIME_SECONDS = 900;

const PodList = v.object({
  items: v.array(v.object({
    metadata: v.object({ name: v.string() }),
    spec: v.object({ nodeName: v.optional(v.string(), "") }),
    status: v.object({
      phase: v.optional(v.string(), "Pending"),
      podIPs: v.optional(v.array(v.object({ ip: v.string() })), []),
      containerStatuses: v.optional(
        v.array(v.object({
          state: v.optional(
            v.object({
              waiting: v.optional(
                v.object({
                  reason: v.optional(v.string(), ""),
                  message: v.optional(v.string(), ""),
                }),
              ),
            }),
            {},
          ),
        })),
        [],
      ),
    }),
  })),
});

/**
 * Makes them, and waits until they run.
 * @throws ClientError, or HeadcniError that names the pods that do not run, and why.
 */
export async function startTestPods(kubectl: Kubectl, order: TestPodsOrder): Promise<TestPod[]> {
  const manifest = JSON.stringify(podManifest(order));
  await kubectl.run("make pods to try with", ["create", "-f", "-"], { stdin: manifest });
  const { run, startSeconds } = order;
  const wait = [
    "wait",
    "pods",
    selector(run),
    "--for=condition=Ready",
    `--timeout=${startSeconds}s`,
  ];
  const { code } = await kubectl.try(wait, { deadlineMs: (startSeconds + 10) * 1_000 });
  const list = await kubectl.get("look at the pods to try with", ["pods", selector(run)]);
  const { items } = parseWith(PodList, list, "the list of pods");
  if (code === 0) {
    return items.map(({ metadata: { name }, spec: { nodeName: node }, status: { podIPs } }) => ({
      name,
      node,
      addresses: podIPs.map(({ ip }) => ip),
    }));
  }
  const waiting = items.flatMap(({ spec, status }) => {
    const why = status.containerStatuses[0]?.state.waiting;
    const isWell = status.phase === "Running" && why === undefined;
    return isWell ? [] : [`${spec.nodeName}: ${why?.message || why?.reason || status.phase}`];
  });
  throw new HeadcniError(
    "unavailable",
    `Cannot start pods in ${startSeconds} s: ${waiting.join("; ") || "they are not ready"}`,
  );
}

/** Removes those of a trial, and waits until they are gone. @throws ClientError */
export async function removeTestPods(kubectl: Kubectl, run: string): Promise<void> {
  await kubectl.run("remove the pods of the trial", [
    ...["delete", "pods", selector(run), "--ignore-not-found", "--wait=true", "--timeout=60s"],
  ], { deadlineMs: 90_000 });
}

/** Removes what trials left that were killed: Kubernetes has ended it by now. @throws ClientError */
export async function removeOldTestPods(kubectl: Kubectl): Promise<void> {
  await kubectl.run("remove the pods of earlier trials", [
    ...["delete", "pods", `--selector=app.kubernetes.io/name=${NAME}`, "--ignore-not-found"],
    ...["--field-selector=status.phase=Failed", "--wait=false"],
  ]);
}

/** What runs a script of the shell in a pod; the words behind it are its arguments. */
export function inPod({ name }: TestPod, script: string, words: readonly string[]): string[] {
  return ["exec", `--container=${CONTAINER}`, name, "--", "sh", "-c", script, "sh", ...words];
}

function selector(run: string): string {
  return `--selector=app.kubernetes.io/name=${NAME},app.kubernetes.io/instance=${run}`;
}

function podManifest({ nodes, image, run }: TestPodsOrder): unknown {
  const [first] = nodes;
  const places = [...nodes, ...first === undefined ? [] : [first]];
  return {
    apiVersion: "v1",
    kind: "List",
    items: places.map((nodeName, index) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${NAME}-${run}-${index}`,
        labels: { "app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": run },
      },
      spec: {
        nodeName,
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 0,
        activeDeadlineSeconds: LIFETIME_SECONDS,
        automountServiceAccountToken: false,
        tolerations: [{ operator: "Exists" }],
        containers: [{
          name: CONTAINER,
          image,
          command: ["sleep", String(LIFETIME_SECONDS)],
          resources: { requests: { cpu: "1m", memory: "4Mi" }, limits: { memory: "32Mi" } },
        }],
      },
    })),
  };
}
