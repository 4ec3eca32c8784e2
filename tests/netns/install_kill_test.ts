/**
 * An install and an uninstall that are killed at random calls of the system: what is there is whole, a
 * second run does what is left, and the machine is afterwards what it was.
 */
import { assert, assertEquals } from "@std/assert";
import { missingStrace } from "../cli/strace.ts";
import { HEADCNI } from "../cli/shipped.ts";
import { pick, seededRandom } from "../fakes/seeded_random.ts";
import { machineTest, SETTINGS, type TestMachine } from "./machine.ts";
import { assertSameLines } from "./plugin.ts";

/** Calls that change files, with how often a run makes them at least. */
const CALLS: readonly [name: string, count: number][] = [
  ["rename", 8],
  ["symlink", 5],
  ["mkdir", 6],
  ["fsync", 20],
  ["unlink", 6],
];
const KILLS = 5;
const INSTALL = ["install", "--service", "none", ...SETTINGS];

/** What a run makes before it has a name, and what it holds while it runs. */
const UNNAMED =
  /\/\.[^/ ]+\.(?:[0-9a-f]{32}|new|old)(?:[/ ]|$)|\/install\.(?:lock|json) |\/(?:var\/lib|run)\/headcni(?:\/daemon\.lock)? /;

/** Runs the program and kills it at a call; answers whether it was. */
async function killed(
  machine: TestMachine,
  args: readonly string[],
  [name, at]: readonly [string, number],
): Promise<boolean> {
  const inject = `-einject=${name}:signal=KILL:when=${at}`;
  const { code } = await machine.call(args, HEADCNI, [
    ...["strace", "-f", "-qq", "-o/dev/null", `-etrace=${name}`, inject],
  ]);
  return code !== 0;
}

/** Files by their line in a snapshot, but for what has no name yet. */
function filesOf(snapshot: string): string[] {
  return snapshot.split("\n").filter((line) => line.startsWith("/") && !UNNAMED.test(line));
}

machineTest(
  "headcni install, uninstall: killed at random calls, nothing is half, and a second run does what is left",
  async (machine) => {
    const { random } = seededRandom();
    await machine.run("mkdir -p /opt/cni/bin; echo theirs >/opt/cni/bin/headcni");
    const before = await machine.snapshot();
    await machine.succeed(INSTALL);
    const after = await machine.snapshot();
    await machine.succeed(["uninstall"]);
    assertSameLines(await machine.snapshot(), before);
    let count = 0;
    for (let round = 0; round < KILLS; round++) {
      for (const [args, wanted] of [[INSTALL, after], [["uninstall"], before]] as const) {
        const [name, most] = pick(random, CALLS);
        const point = [name, 1 + random(most)] as const;
        if (await killed(machine, args, point)) count++;
        const known = [...filesOf(before), ...filesOf(after)];
        const odd = filesOf(await machine.snapshot()).filter((line) => !known.includes(line));
        assertEquals(odd, [], `${args[0]} killed at ${point.join(" ")}`);
        await machine.succeed(args);
        assertSameLines(await machine.snapshot(), wanted, `${args[0]} after ${point.join(" ")}`);
      }
    }
    console.log(`${count} of ${2 * KILLS} killed`);
    assert(count > 0);
  },
  missingStrace(),
);
