/** A round counts only when both sides did the work. */
import { OURS_FULL, PEER_FULL } from "./contenders.ts";
import type { Side } from "./side.ts";

/** Sides that map a port and limit rates. */
const FULL: readonly string[] = [OURS_FULL.name, PEER_FULL.name];
/** Limits of a pod: one a direction. */
const LIMITS = 2;

/**
 * Looks at what a round left: links, distinct addresses, masquerade, host ports, limits, a ping; or
 * nothing of any pod.
 * @throws Error that says what is wrong.
 */
export async function checkRound(
  side: Side,
  verb: "ADD" | "DEL",
  pods: readonly number[],
): Promise<void> {
  const isAdd = verb === "ADD";
  const isFull = FULL.includes(side.name);
  expect(side, `links after ${verb}`, await side.vethCount(), isAdd ? pods.length : 0);
  const limits = isAdd && isFull ? LIMITS * pods.length : 0;
  expect(side, `limits after ${verb}`, await side.limitCount(), limits);
  expect(side, `port 8080 mapped after ${verb}`, await side.hasRule("8080"), isAdd && isFull);
  if (isAdd) await checkPods(side, pods);
  else await checkGone(side, pods);
}

async function checkPods(side: Side, pods: readonly number[]): Promise<void> {
  const addresses = new Set(await Promise.all(pods.map((pod) => side.address(pod))));
  expect(side, "distinct addresses", addresses.size, pods.length);
  expect(side, "masquerade rule", await side.hasRule("masquerade"), true);
  await side.pingGateway(pods.at(-1) ?? 0);
}

async function checkGone(side: Side, pods: readonly number[]): Promise<void> {
  for (const pod of pods) {
    const { exitCode, stdout } = await side.outcome(pod);
    if (exitCode !== 0) throw new Error(`${side.name}: DEL of pod ${pod} failed: ${stdout}`);
  }
}

function expect<T>({ name }: Side, what: string, seen: T, wanted: T): void {
  if (seen !== wanted) throw new Error(`${name}: ${what}: ${seen}, not ${wanted}`);
}
