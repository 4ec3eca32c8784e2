/**
 * Whether pods of this node reach what they must reach, tried with two pods that are made for it and
 * taken away again, by the network configuration and the plugins that the runtime uses.
 */
import { errorText } from "../../errors.ts";
import { formatAddress } from "../../net/address.ts";
import type { FoundNetwork } from "./find_network.ts";
import { PLANS, type Targets } from "./plans.ts";
import { judgeAttempts, skipTrial, type Trial, type TrialHead } from "./trial.ts";
import { TrialPod } from "./trial_pod.ts";

/** What is tried, and by which network. */
export interface ConnectOrder extends Targets {
  /** @throws why the runtime has none of ours. */
  findNetwork(): FoundNetwork;
  /** Detaches what earlier trials left. */
  tidyUp(network: FoundNetwork): Promise<void>;
  onTrial(trial: Trial): void;
}

/** Makes all trials, one after the other; throws nothing but faults of ours. */
export async function tryConnections(order: ConnectOrder): Promise<Trial[]> {
  const trials: Trial[] = [];
  const told = (trial: Trial) => {
    trials.push(trial);
    order.onTrial(trial);
    return trial.verdict === "passed";
  };
  const pods: TrialPod[] = [];
  try {
    const isAttached = told(await attachPods(order, pods));
    const [one, other] = pods;
    for (const { head, plan } of PLANS) {
      const planned = !isAttached || !one || !other
        ? "there is no pod to try it from"
        : order.signal.aborted
        ? "interrupted"
        : plan({ one, other, order });
      const trial = typeof planned === "string"
        ? skipTrial(head, planned)
        : await judgeAttempts(head, planned);
      told(trial);
    }
  } finally {
    told(await detachPods(pods));
  }
  return trials;
}

/** Adds pods to `pods` as soon as something of them may have to be taken away. */
async function attachPods(order: ConnectOrder, pods: TrialPod[]): Promise<Trial> {
  const attach = async (): Promise<string | undefined> => {
    try {
      const network = order.findNetwork();
      await order.tidyUp(network);
      for (const number of [1, 2]) {
        order.signal.throwIfAborted();
        const pod = new TrialPod(network.list, number);
        pods.push(pod);
        await pod.attach();
      }
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  };
  const failure = await attach();
  const addresses = pods.flatMap((pod) => pod.addresses).map(formatAddress).join(", ");
  const what = failure === undefined ? addresses : "ADD";
  return await judgeAttempts(ATTACH, [{ what, failure: Promise.resolve(failure) }]);
}

async function detachPods(pods: readonly TrialPod[]): Promise<Trial> {
  if (pods.length === 0) return skipTrial(DETACH, "there was none");
  const attempts = pods.map((pod) => ({
    what: pod.containerId,
    failure: pod.detach().then(() => undefined, errorText),
  }));
  return await judgeAttempts(DETACH, attempts);
}

const ATTACH: TrialHead = {
  id: "attach",
  title: "pods get addresses",
  fix: "see the log of the plugin, and /readyz of the daemon; it takes root, and CAP_SYS_ADMIN",
};
const DETACH: TrialHead = {
  id: "detach",
  title: "pods go, and leave nothing",
  fix: "what stays is taken away by the next run, or by headcni ipam gc",
};
