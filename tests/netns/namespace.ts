/**
 * Network namespaces of a test's own, the commands of iproute2 and nftables as witnesses, and the
 * text of what a namespace holds, so that before and after can be compared.
 */
import { assertEquals } from "@std/assert";
import { inNetns, type Netns, openNetns, type Sync } from "../../lib/linux/netns.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";

/** What changes by itself: timers of bridges, carrier and address detection, counters of rules. */
const VOLATILE_FIELDS =
  /_timer$|^(operstate|state|tentative|config_pending|topology_change.*|packets|bytes)$/;
const VOLATILE_FLAGS: readonly unknown[] = ["LOWER_UP", "NO-CARRIER", "linkdown"];

/** A network namespace of a test's own, listed by `ip netns`. */
export class TestNetns implements AsyncDisposable {
  /** Unique, such as `hct3f9c2ahost`. */
  readonly name: string;
  /** Where it is mounted. */
  readonly path: string;
  readonly #netns: Netns;

  private constructor(name: string) {
    this.name = name;
    this.path = `/run/netns/${name}`;
    this.#netns = openNetns(this.path);
  }

  /** Makes an empty namespace with `lo` down; `role` ends its name. */
  static async make(role: string): Promise<TestNetns> {
    const name = `hct${crypto.randomUUID().slice(0, 6)}${role}`;
    await run("ip", "netns", "add", name);
    return new TestNetns(name);
  }

  /** Runs synchronous code of ours with the thread inside this namespace. */
  do<T>(fn: () => Sync<T>): Sync<T> {
    return inNetns(this.#netns, fn);
  }

  /** Runs a command inside and answers what it prints. */
  run(...command: readonly string[]): Promise<string> {
    return run("nsenter", `--net=${this.path}`, ...command);
  }

  /** What an `ip` command reports as JSON, such as `ip("link", "show")`. */
  async ip(...args: readonly string[]): Promise<Record<string, unknown>[]> {
    const text = await run("ip", "-n", this.name, "-j", "-d", ...args);
    return text.trim() === "" ? [] : JSON.parse(text);
  }

  /**
   * Links, addresses, routes, rules, the nf_tables ruleset and some sysctls as text, an object a
   * line.
   * @param sysctls paths below /proc/sys.
   */
  async snapshot(sysctls: readonly string[] = []): Promise<string> {
    const parts: [string, unknown[]][] = [
      ["links", await this.ip("link", "show")],
      ["addresses", await this.ip("address", "show")],
      ["IPv4 routes", await this.ip("-4", "route", "show", "table", "all")],
      ["IPv6 routes", await this.ip("-6", "route", "show", "table", "all")],
      ["IPv4 rules", await this.ip("-4", "rule", "show")],
      ["IPv6 rules", await this.ip("-6", "rule", "show")],
      ["ruleset", JSON.parse(await this.run("nft", "-j", "list", "ruleset")).nftables],
      ["sysctls", await Promise.all(sysctls.map((path) => this.#readSysctl(path)))],
    ];
    return parts
      .flatMap(([title, lines]) => [`# ${title}`, ...lines.map(formatLine)])
      .join("\n");
  }

  /** Removes the namespace with all that it holds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#netns[Symbol.dispose]();
    await run("ip", "netns", "delete", this.name);
  }

  async #readSysctl(path: string): Promise<string> {
    return `${path} = ${(await this.run("cat", `/proc/sys/${path}`)).trim()}`;
  }
}

/** An object as one line, without what changes by itself. */
function formatLine(value: unknown): string {
  return JSON.stringify(value, (key, field) => {
    if (VOLATILE_FIELDS.test(key)) return undefined;
    return Array.isArray(field) ? field.filter((item) => !VOLATILE_FLAGS.includes(item)) : field;
  });
}

/** What a kernel test works on. */
export interface NetnsPair {
  /** In the place of the node's own namespace. */
  readonly host: TestNetns;
  readonly pod: TestNetns;
}

/**
 * Registers a test that is given two fresh namespaces. The test has to undo whatever it does in
 * them: it fails when they hold anything else at its end than at its start, or when a thread of
 * this process is left in one. Without root it is skipped, saying so.
 * @param sysctls paths below /proc/sys that are compared too.
 */
export function netnsTest(
  name: string,
  fn: (pair: NetnsPair) => void | Promise<void>,
  sysctls: readonly string[] = [],
): void {
  testUnless(missingRoot(), name, async () => {
    await using host = await TestNetns.make("host");
    await using pod = await TestNetns.make("pod");
    const before = [await host.snapshot(sysctls), await pod.snapshot(sysctls)];
    await fn({ host, pod });
    assertEquals([await host.snapshot(sysctls), await pod.snapshot(sysctls)], before);
    assertEquals([host, pod].flatMap(({ path }) => threadsIn(path)), []);
  });
}

/**
 * The threads of this process that are in the namespace at a path. Only a test's own namespaces tell
 * something: other test files may run in this process at the same time.
 */
export function threadsIn(path: string): string[] {
  const wanted = `net:[${Deno.statSync(path).ino}]`;
  return Array.from(Deno.readDirSync("/proc/self/task"), ({ name }) => name).filter((thread) => {
    try {
      return Deno.readLinkSync(`/proc/self/task/${thread}/ns/net`) === wanted;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false; // it ended meanwhile
      throw error;
    }
  });
}

/**
 * Runs a command and answers what it prints.
 * @throws Error with what it wrote to stderr when it fails.
 */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  const output = await new Deno.Command(command, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (output.success) return decoder.decode(output.stdout);
  throw new Error(
    `Cannot run "${command} ${args.join(" ")}": exit ${output.code}: ` +
      decoder.decode(output.stderr).trim(),
  );
}
