/**
 * The soak (README, "Speed"): a node of its own under its daemon, with 5 ADDs and 5 DELs a second. Ends
 * with 1 when anything failed, was logged above `info` or was left, or when the daemon grew: its least
 * number of file descriptors, or its median memory by more than a tenth, from the first half to the
 * second.
 *
 * Usage: deno task soak [--seconds=600] [--rate=5]; HEADCNI_TEST_SEED repeats the order of calls
 */
import { parseArgs } from "@std/cli";
import { seededRandom } from "../tests/fakes/seeded_random.ts";
import { growthOf } from "../tests/e2e/growth.ts";
import { soak } from "../tests/e2e/soak.ts";
import { progress } from "./bench/report.ts";

const MIB = 2 ** 20;
/** Of memory; of descriptors none. */
const MAX_GROWTH = 1.1;

async function main(): Promise<number> {
  const options = parseArgs(Deno.args, {
    string: ["seconds", "rate"],
    default: { seconds: "600", rate: "5" },
  });
  const [seconds, pairsPerSecond] = [Number(options.seconds), Number(options.rate)];
  const { random } = seededRandom();
  const { calls, elapsedMs, uses, faults, left } = await soak({
    seconds,
    pairsPerSecond,
    random,
    onSecond: (calls, { rssBytes, descriptors }) =>
      progress(`${calls} calls, ${mib(rssBytes)} MiB, ${descriptors} descriptors`),
  });
  progress("");
  const { rss, descriptors } = growthOf(uses);
  const [first, last] = [uses[0], uses.at(-1)];
  const cpuMs = (last?.cpuMs ?? NaN) - (first?.cpuMs ?? NaN);
  console.log(`${calls} calls in ${(elapsedMs / 1000).toFixed(0)} s`);
  console.log(`memory, MiB (median): ${mib(rss.before)}, then ${mib(rss.after)}`);
  console.log(`descriptors (least): ${descriptors.before}, then ${descriptors.after}`);
  console.log(`processor: ${(cpuMs / elapsedMs * 100).toFixed(1)} % of one`);
  for (const text of [...faults, ...left.map((each) => `left: ${each}`)]) console.log(text);
  const isFlat = descriptors.after <= descriptors.before && rss.after <= rss.before * MAX_GROWTH;
  if (!isFlat) console.log("the daemon grew");
  console.log(`${faults.length} faults, ${left.length} left behind`);
  return faults.length + left.length === 0 && isFlat ? 0 : 1;
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

if (import.meta.main) Deno.exitCode = await main();
