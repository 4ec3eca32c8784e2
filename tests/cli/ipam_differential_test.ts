/**
 * The same calls through Debian's host-local and through the shipped `headcni-ipam`: both say yes or
 * no alike, give the same addresses and answer the same, but for what {@linkcode DIFFERENCES} names.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { seededRandom } from "../fakes/seeded_random.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { HostLocal, missingHostLocal } from "./host_local.ts";
import {
  attachmentOf,
  DIFFERENCES,
  LEAVES_CURSORS,
  requestsOf,
  type TheirCall,
} from "./ipam_differences.ts";
import { callOf, type Draw, type DrawnNetwork, drawSequence, NETWORK } from "./ipam_draw.ts";
import { addressesOf, answerOf, type IpamAnswer, IpamNode } from "./ipam_node.ts";
import { missingProgram } from "./shipped.ts";

/** How many sequences of calls are drawn. */
const SEQUENCES = 48;

/** What a resolv.conf(5) may hold. */
const RESOLV_CONF = "nameserver 192.0.2.53\nnameserver 2001:db8::53\ndomain example.org\n" +
  "search example.org example.net\noptions ndots:5 edns0\n";

/** Error texts that are compared literally: users and upstream's tests know them. */
const KNOWN_TEXTS: readonly RegExp[] = [
  /failed to allocate for range \d+: no IP addresses available in range set: \S+/,
  /failed to allocate for range \d+: requested IP address \S+ is not available in range set \S+/,
  /failed to allocate for range \d+: requested ip \S+ is subnet's gateway/,
  /failed to allocate all requested IPs: .+/,
  /\S+ has been allocated to \S+, duplicate allocation is not allowed/,
  /range set \d+ overlaps with \d+/,
  /invalid range set \d+: mixed address families/,
  /invalid range set \d+: subnets \S+ and \S+ overlap/,
  /invalid range set \d+: Network \S+ too small to allocate from/,
  /invalid range set \d+: Network has host bits set.+/,
  /invalid range set \d+: Range(Start|End) \S+ not in network \S+/,
  /CNI version \S* does not support more than 1 address per family/,
  /IPAM config missing 'ipam' key/,
  /Failed to find address added by container \S+/,
  /config version does not allow CHECK/,
  /incompatible CNI versions/,
];

const missing = missingHostLocal() || missingProgram();

for (const difference of DIFFERENCES) {
  testUnless(missing, `headcni-ipam beside host-local: ${difference.name}`, async () => {
    await using pair = await Pair.make();
    let answers: [theirs: IpamAnswer, ours: IpamAnswer] | undefined;
    for (const draw of difference.example) {
      answers = [await pair.askTheirs(draw), await pair.askOurs(draw)];
    }
    const [theirs = "", ours = ""] = answers?.map(summary) ?? [];
    assertStringIncludes(theirs, difference.theirs);
    assertStringIncludes(ours, difference.ours);
    assert(theirs !== ours, "they do not differ");
  });
}

testUnless(missing, "headcni-ipam: does what host-local does", async () => {
  assert(DIFFERENCES.length <= 10);
  const { random } = seededRandom();
  await using resolvConf = await makeFile(RESOLV_CONF);
  // The examples show that what is random is told of every difference that can be drawn.
  const known = DIFFERENCES.filter(({ name, adapt }) => adapt || name === LEAVES_CURSORS);
  const sequences = [
    ...known.map(({ example }) => example),
    ...Array.from({ length: SEQUENCES }, () => drawSequence(random, resolvConf.path)),
  ];
  const tally = new Tally();
  for (const draws of sequences) {
    await using pair = await Pair.make();
    for (const [index, draw] of draws.entries()) {
      const answers = await pair.ask(draw);
      tally.add(answers);
      compare(
        draw,
        answers,
        () => draws.slice(0, index + 1).map((one) => JSON.stringify(one)).join("\n"),
      );
    }
  }
  tally.print();
  for (const { name } of known) assert(tally.count(name) > 0, name);
});

/** @param told the calls up to this one. */
function compare(draw: Draw, { ours, theirs, differences }: Answers, told: () => string): void {
  if (!theirs) {
    assert(ours.failure !== undefined, told());
  } else if (ours.failure === undefined || theirs.failure === undefined) {
    assertEquals(ours, theirs, told());
  } else if (differences.length === 0 && requestsOf(draw).length < 2) {
    // Host-local's text speaks of what it was asked; several requests it takes in any order.
    const { failure } = theirs;
    const text = KNOWN_TEXTS.map((known) => known.exec(failure)?.[0]).find(Boolean);
    if (text) assertStringIncludes(ours.failure, text, told());
  }
}

/** Addresses, or the text of failure. */
function summary(answer: IpamAnswer): string {
  return answer.failure ?? addressesOf(answer).join(" ");
}

/** Counts what was asked and answered. */
class Tally {
  #calls = 0;
  #addresses = 0;
  readonly #differences = new Map<string, number>();

  add({ ours, differences }: Answers): void {
    this.#calls += 1;
    this.#addresses += addressesOf(ours).length;
    for (const name of differences) this.#differences.set(name, this.count(name) + 1);
  }

  /** How many calls a difference had to do with. */
  count(difference: string): number {
    return this.#differences.get(difference) ?? 0;
  }

  print(): void {
    console.log(`${this.#calls} calls, ${this.#addresses} addresses`);
    for (const [name, count] of this.#differences) console.log(`${count} times: ${name}`);
  }
}

/** What both answered to a call. */
interface Answers {
  readonly ours: IpamAnswer;
  /** Undefined when host-local was not asked, for ours must fail. */
  readonly theirs: IpamAnswer | undefined;
  /** Names of the differences that had to do with it. */
  readonly differences: readonly string[];
}

/** Both plugins, each on its own state. */
class Pair implements AsyncDisposable {
  readonly #node: IpamNode;
  readonly #hostLocal: HostLocal;
  readonly #leases = new Map<string, DrawnNetwork>();

  private constructor(node: IpamNode) {
    this.#node = node;
    this.#hostLocal = new HostLocal(`${node.root}/theirs`, NETWORK);
  }

  static async make(): Promise<Pair> {
    return new Pair(await IpamNode.make());
  }

  /** Asks ours, and host-local for the same. */
  async ask(draw: Draw): Promise<Answers> {
    const { call, names } = this.#adapt(draw);
    const cursors = await this.#hostLocal.cursors();
    const theirs = call.draw && await this.askTheirs(call.draw, call.keptBack);
    const isUndone = theirs?.failure !== undefined &&
      await this.#hostLocal.restoreCursors(cursors);
    const ours = await this.askOurs(draw);
    if (ours.failure === undefined && draw.verb === "ADD") {
      this.#leases.set(attachmentOf(draw), draw.network);
    } else if (ours.failure === undefined && draw.verb === "DEL") {
      this.#leases.delete(attachmentOf(draw));
    }
    return { ours, theirs, differences: [...names, ...isUndone ? [LEAVES_CURSORS] : []] };
  }

  async askOurs(draw: Draw): Promise<IpamAnswer> {
    const outcome = await this.#node.call(callOf(draw));
    if (outcome.code === 0) assertEquals(outcome.stderr, "");
    return answerOf(outcome);
  }

  /** @param keptBack addresses that are not to be given. */
  askTheirs(draw: Draw, keptBack: readonly string[] = []): Promise<IpamAnswer> {
    return this.#hostLocal.keepBack(
      keptBack,
      async () => answerOf(await this.#hostLocal.call(callOf(draw))),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#node[Symbol.asyncDispose]();
  }

  #adapt(draw: Draw): { readonly call: TheirCall; readonly names: readonly string[] } {
    let call: TheirCall = { draw, keptBack: [] };
    const names: string[] = [];
    for (const { name, adapt } of DIFFERENCES) {
      const adapted = adapt?.(call, this.#leases);
      if (!adapted) continue;
      call = adapted;
      names.push(name);
    }
    return { call, names };
  }
}

async function makeFile(text: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempFile({ prefix: "hct" });
  await Deno.writeTextFile(path, text);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}
