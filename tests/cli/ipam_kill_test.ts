/**
 * Kills the shipped `headcni-ipam` at every system call by which it changes its state, one run a
 * call, and proves after each: who was told of an address has it, nobody else has one but the
 * victim, no address has two owners, the store is sound, and the next ADD and DEL work.
 */
import { assert, assertEquals } from "@std/assert";
import type { LeasedAddresses } from "./ipam_node.ts";
import { type Call, KillStore, printedAddresses } from "./kill_store.ts";
import { countCalls, type KillTarget, killTest, LAST_CALL, NO_STATE } from "./strace.ts";

/** Stores on which a scenario is played at the same time. */
const STORES = 2;

/** What a store went through before the call that is killed, and the `ipam` section of all calls. */
interface Scenario {
  readonly name: string;
  /** About the container `victim`. */
  readonly verb: "ADD" | "DEL";
  readonly ipam: Readonly<Record<string, unknown>>;
  /** Calls that are made before, to their end. */
  readonly before: readonly Call[];
  /** A call that was killed while it committed. */
  readonly killed?: Call;
  /** The store is damaged then; `living` is known to the runtime. */
  readonly isDamaged?: boolean;
}

const RANGES = [[{ subnet: "10.0.0.0/24" }], [{ subnet: "fd00::/64" }]];
const LIVING: Call = ["ADD", "living"];
const VICTIM: Call = ["ADD", "victim"];

const SCENARIOS: readonly Scenario[] = [
  { name: "first ADD of a store", verb: "ADD", ipam: { ranges: RANGES }, before: [] },
  { name: "ADD", verb: "ADD", ipam: { ranges: RANGES }, before: [LIVING] },
  {
    name: "ADD that takes an address out of its rest",
    verb: "ADD",
    // Room for three.
    ipam: { subnet: "10.0.0.0/24", rangeEnd: "10.0.0.4", cooldown: "1h" },
    before: [LIVING, ["ADD", "gone1"], ["ADD", "gone2"], ["DEL", "gone1"], ["DEL", "gone2"]],
  },
  {
    name: "ADD after a kill",
    verb: "ADD",
    ipam: { ranges: RANGES },
    before: [LIVING],
    killed: ["ADD", "lost"],
  },
  {
    name: "ADD that mends the store",
    verb: "ADD",
    ipam: { ranges: RANGES },
    before: [],
    isDamaged: true,
  },
  {
    name: "DEL, after which addresses rest",
    verb: "DEL",
    ipam: { ranges: RANGES, cooldown: "1h" },
    before: [LIVING, VICTIM],
  },
  {
    name: "DEL, after which addresses are free",
    verb: "DEL",
    ipam: { ranges: RANGES, cooldown: "0s" },
    before: [LIVING, VICTIM],
  },
];

for (const scenario of SCENARIOS) {
  killTest(`headcni-ipam: ${scenario.name}`, () => killEverywhere(scenario));
}

/** Kills the verb at each of its calls, and prints how many those were. */
async function killEverywhere(scenario: Scenario): Promise<void> {
  await using owned = new AsyncDisposableStack();
  const stores = await Promise.all(
    Array.from({ length: STORES }, () => prepare(scenario, owned)),
  );
  const plans = await Promise.all(stores.map(({ store }) => planKills(store, scenario)));
  await Promise.all(stores.map(async (prepared, index) => {
    const share = plans[index]?.filter((_, at) => at % STORES === index) ?? [];
    for (const kill of share) await killAt(prepared, scenario, kill);
  }));
  const [all = []] = plans;
  for (const plan of plans) assertEquals(plan.length, all.length, "the stores do not do the same");
  const byName = Map.groupBy(all, ({ target }) => target.name);
  console.log(`${scenario.name}: ${all.length} of ${all.length} covered:`);
  console.log(`  ${Array.from(byName, ([name, { length }]) => `${length} ${name}`).join(", ")}`);
}

/** Where a call is killed. */
interface Kill {
  readonly target: KillTarget;
  /** Number of the system call, 1 for the first. */
  readonly at: number;
}

/** Every change that the verb makes, and its end. */
async function planKills(store: KillStore, { verb }: Scenario): Promise<Kill[]> {
  const changes = await store.observeChanges([verb, "victim"]);
  const kills = changes.filter(({ file }) => !NO_STATE.test(file)).flatMap((
    { name, file, count },
  ) => Array.from({ length: count }, (_, i) => ({ target: { name, files: [file] }, at: i + 1 })));
  return [...kills, { target: { name: LAST_CALL, files: [] }, at: 1 }];
}

/** A store as a scenario wants it, and what ADD answered to those who are still there. */
interface Prepared {
  readonly store: KillStore;
  readonly told: LeasedAddresses;
}

/** Makes a store, and keeps its state. */
async function prepare(scenario: Scenario, owned: AsyncDisposableStack): Promise<Prepared> {
  const store = owned.use(await KillStore.make(scenario.ipam));
  const told = new Map<string, readonly string[]>();
  for (const [verb, containerId] of scenario.before) {
    const addresses = await store.succeed(verb, containerId);
    if (verb === "ADD") told.set(containerId, addresses);
    else told.delete(containerId);
  }
  if (scenario.killed) {
    const target = { name: "fsync", files: [store.commitFile] };
    const { trace } = await store.kill(scenario.killed, target, 1);
    assert(wasKilled(trace), "the call before was not killed");
  }
  if (scenario.isDamaged) {
    told.set("living", await store.addForRuntime("living"));
    await store.damage();
  }
  await store.save();
  return { store, told: Object.fromEntries(told) };
}

/** Kills at one call, and fails when anything is wrong afterwards. */
async function killAt(
  { store, told }: Prepared,
  { name, verb, isDamaged }: Scenario,
  { target, at }: Kill,
): Promise<void> {
  await store.restore();
  const { code, stdout, trace } = await store.kill([verb, "victim"], target, at);
  try {
    if (!wasKilled(trace)) {
      assertEquals(code, 0, stdout);
      assert(countCalls(trace, target.name) < at, "strace did not kill");
    }
    const answered = printedAddresses(stdout);
    // Nobody but our own program may look into a damaged store.
    const left = isDamaged ? { ...told, ...answered && { victim: answered } } : await store.peek();
    assertRightly(left, told);
    if (answered) assertEquals(left.victim, answered, "what ADD answered");
    if (verb === "DEL" && target.name === LAST_CALL) assertEquals(left.victim, undefined);
    await goOn(store, left, at % 2 === 0);
  } catch (cause) {
    const where = `${target.name} ${at} of ${target.files.join()}`;
    throw new Error(`${name}, killed at ${where}, the last of\n${trace}`, { cause });
  }
}

/**
 * Fails unless all have what they were told, and no address has two owners. More than that may have
 * only whom a kill kept from being told; a DEL that was killed has been carried out, or not at all.
 */
function assertRightly(left: LeasedAddresses, told: LeasedAddresses): void {
  const { victim, lost: _, ...others } = left;
  const { victim: had = victim, ...kept } = told;
  assertEquals(others, kept);
  if (victim) assertEquals(victim, had);
  assertNoneTwice(left);
}

/** What the runtime does next: DEL of the victim, another container before or after that. */
async function goOn(store: KillStore, left: LeasedAddresses, isDelFirst: boolean): Promise<void> {
  const { victim: _, ...others } = left;
  if (isDelFirst) await store.succeed("DEL", "victim");
  const newcomer = await store.succeed("ADD", "newcomer");
  if (!isDelFirst) {
    assertNoneTwice({ ...left, newcomer });
    await store.succeed("DEL", "victim");
  }
  const victim = await store.succeed("ADD", "victim");
  await store.assertStored({ ...others, newcomer, victim });
}

function assertNoneTwice(leases: LeasedAddresses): void {
  const addresses = Object.values(leases).flat();
  assertEquals(new Set(addresses).size, addresses.length, Deno.inspect(leases));
}

/** The call itself, or a child of its own. */
function wasKilled(trace: string): boolean {
  return trace.includes("+++ killed by SIGKILL +++");
}
