/** Pods for trials: namespaces that no runtime knows, attached as a runtime would attach them. */
import type { Result } from "../../cni/result.ts";
import { parseResult } from "../../cni/result_codec.ts";
import { parseSpecVersion } from "../../cni/version.ts";
import {
  addNetwork,
  deleteNetwork,
  type ListAttachment,
  type NetworkList,
} from "../../delegate/network_list.ts";
import { inNetns, type Netns, type Sync } from "../../linux/netns.ts";
import type { Address } from "../../net/address.ts";
import { makeNetns, openHost } from "../../platform.ts";

/** Container ids and pods of trials begin so; the process that made them follows. */
const TRIAL_NAME = "headcni-connect-test";
const IFNAME = "eth0";

/** A pod that is attached, until {@linkcode TrialPod.detach}. */
export class TrialPod {
  readonly containerId: string;
  readonly #list: NetworkList;
  readonly #netns: Netns;
  #answer: unknown;
  #result: Result | undefined;

  /** Makes its namespace, which goes with this process; nothing is attached yet. */
  constructor(list: NetworkList, number: number) {
    this.containerId = `${TRIAL_NAME}-${Deno.pid}-${number}`;
    this.#list = list;
    this.#netns = makeNetns();
  }

  /** @throws what a plugin answers; {@linkcode detach} is due then, too. */
  async attach(): Promise<void> {
    this.#answer = await addNetwork(this.#list, this.#attachment);
    const version = parseSpecVersion({ ...this.#list }, "ADD");
    this.#result = parseResult(this.#answer, "the result of ADD", version);
  }

  /** Detaches it, whether it is attached, or half so. @throws what a plugin answers. */
  async detach(): Promise<void> {
    try {
      await deleteNetwork(this.#list, this.#attachment, this.#answer);
    } finally {
      this.#netns[Symbol.dispose]();
    }
  }

  /** Its addresses. */
  get addresses(): Address[] {
    return this.#result?.ips.map(({ address }) => address.address) ?? [];
  }

  /** Its gateways. */
  get gateways(): Address[] {
    return this.#result?.ips.flatMap(({ gateway }) => gateway ?? []) ?? [];
  }

  /** MTU of its interface, as the kernel has it. */
  mtuBytes(): number | undefined {
    using host = openHost({ netns: this.#netns.path });
    return host.findLink("pod", IFNAME)?.mtuBytes;
  }

  /** Runs synchronous work in its namespace. */
  within<T>(fn: () => Sync<T>): Sync<T> {
    return inNetns(this.#netns, fn);
  }

  get #attachment(): ListAttachment {
    return attachmentOf(this.containerId, this.#netns.path);
  }
}

/**
 * Detaches what earlier trials left whose process is gone; their namespaces went with it.
 * @param containerIds those of all attachments of the node.
 * @returns which were detached.
 */
export async function detachLeftOvers(
  list: NetworkList,
  containerIds: readonly string[],
): Promise<string[]> {
  const gone = containerIds.filter((id) => {
    const [, pid] = new RegExp(`^${TRIAL_NAME}-(\\d+)-\\d+$`).exec(id) ?? [];
    return pid !== undefined && !isRunning(pid);
  });
  for (const id of gone) await deleteNetwork(list, attachmentOf(id, ""));
  return gone;
}

function attachmentOf(containerId: string, netns: string): ListAttachment {
  const pod = `K8S_POD_NAMESPACE=${TRIAL_NAME};K8S_POD_NAME=${containerId}`;
  return { containerId, netns, ifname: IFNAME, argsText: `IgnoreUnknown=1;${pod}` };
}

function isRunning(pid: string): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}
