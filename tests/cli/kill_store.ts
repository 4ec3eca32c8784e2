/** A store on which calls of the shipped `headcni-ipam` are killed, each time from the same state. */
import { assertEquals } from "@std/assert";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { writeCachedResult } from "../fakes/cached_result.ts";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { DAMAGES } from "../fakes/damages.ts";
import { ownFile } from "../fakes/own_file.ts";
import { seededRandom } from "../fakes/seeded_random.ts";
import { configText, IpamNode, type LeasedAddresses, leasedAddresses } from "./ipam_node.ts";
import type { ProgramOutcome } from "./program.ts";
import { isFile } from "./shipped.ts";
import {
  type Change,
  FILE_CHANGES,
  killCommand,
  type KillTarget,
  listChanges,
  traceCommand,
} from "./strace.ts";

/** A verb and the container that it is about. */
export type Call = readonly [verb: "ADD" | "DEL", containerId: string];

/** A node, and a copy of its state to begin from. */
export class KillStore implements AsyncDisposable {
  readonly #node: IpamNode;
  readonly #ipam: Readonly<Record<string, unknown>>;

  private constructor(node: IpamNode, ipam: Readonly<Record<string, unknown>>) {
    this.#node = node;
    this.#ipam = ipam;
  }

  /** @param ipam keys of the `ipam` section. */
  static async make(ipam: Readonly<Record<string, unknown>>): Promise<KillStore> {
    return new KillStore(await IpamNode.make(), ipam);
  }

  /** The log of the store, to which SQLite commits. */
  get commitFile(): string {
    return `${this.#node.dataDirectory}/state.kv-wal`;
  }

  /** Makes a call that must succeed; answers the addresses of an ADD. */
  async succeed(...[verb, containerId]: Call): Promise<readonly string[]> {
    const { code, stdout } = await this.#call([verb, containerId]);
    assertEquals(code, 0, `${verb} ${containerId}: ${stdout}`);
    return verb === "ADD" ? printedAddresses(stdout) ?? [] : [];
  }

  /** {@linkcode succeed} of an ADD, of which the runtime keeps what libcni keeps. */
  async addForRuntime(containerId: string): Promise<readonly string[]> {
    const call = this.#ipamCall(["ADD", containerId]);
    const { code, stdout } = await this.#node.call(call);
    assertEquals(code, 0, stdout);
    const key = { network: call.config.name, containerId, ifname: "eth0" };
    await writeCachedResult(this.#node.resultsDirectory, key, {
      config: configText(call, "headcni-ipam", this.#node.dataDirectory),
      netns: this.#node.root, // any path that is there
      result: JSON.parse(stdout),
    });
    return printedAddresses(stdout) ?? [];
  }

  /** Writes noise over the database, and takes away what `/run` would have lost by a boot. */
  async damage(): Promise<void> {
    const { dataDirectory, runDirectory } = this.#node;
    for (const { name } of Deno.readDirSync(dataDirectory)) {
      if (name.startsWith("state.kv-")) await Deno.remove(`${dataDirectory}/${name}`);
    }
    DAMAGES["a file of noise"](`${dataDirectory}/state.kv`, seededRandom().random);
    await Deno.remove(runDirectory, { recursive: true });
  }

  /** Makes a call and kills it; answers what it did, and the notes of strace. */
  async kill(
    call: Call,
    target: KillTarget,
    at: number,
  ): Promise<ProgramOutcome & { readonly trace: string }> {
    const outcome = await this.#call(call, killCommand(target, at, this.#notesFile));
    return { ...outcome, trace: await Deno.readTextFile(this.#notesFile) };
  }

  /** Makes a call that must succeed; answers what it changes of ours. */
  async observeChanges(call: Call): Promise<Change[]> {
    const target = { name: FILE_CHANGES.join(","), files: [] };
    const { code, stdout } = await this.#call(call, traceCommand(target, this.#notesFile));
    assertEquals(code, 0, stdout);
    return listChanges(await Deno.readTextFile(this.#notesFile), this.#node.root);
  }

  /** Keeps the state as it is for {@linkcode restore}. */
  async save(): Promise<void> {
    await this.#eachDirectory((directory) => copyDirectory(directory, `${directory}.saved`));
  }

  /** Brings back what was kept. */
  async restore(): Promise<void> {
    await this.#eachDirectory((directory) => copyDirectory(`${directory}.saved`, directory));
    const { dataDirectory, runDirectory } = this.#node;
    if (isFile(`${dataDirectory}/state.kv`)) ownFile(runDirectory, dataDirectory);
  }

  /**
   * Who has what, without our own code and without a trace: reads a copy, so that the next call
   * finds the store as it was left.
   */
  async peek(): Promise<LeasedAddresses> {
    const copy = `${this.#node.root}/peeked`;
    await copyDirectory(this.#node.dataDirectory, copy);
    if (!isFile(`${copy}/state.kv`)) return {};
    using kv = await Deno.openKv(`${copy}/state.kv`);
    const leases: [string, string[]][] = [];
    for await (const { key, value } of kv.list<StoredLease>({ prefix: ["lease"] })) {
      leases.push([String(key[2]), value.addresses.map(({ address }) => bareAddress(address))]);
    }
    return Object.fromEntries(leases);
  }

  /** Fails unless the store is sound and holds exactly these leases. */
  async assertStored(wanted: LeasedAddresses): Promise<void> {
    await using store = await this.#node.openStore();
    await assertConsistent(store);
    assertEquals(await leasedAddresses(store), wanted);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#node[Symbol.asyncDispose]();
  }

  get #notesFile(): string {
    return `${this.#node.root}/notes`;
  }

  #call(call: Call, under: readonly string[] = []): Promise<ProgramOutcome> {
    return this.#node.call(this.#ipamCall(call), under);
  }

  #ipamCall([verb, containerId]: Call) {
    const config = { cniVersion: "1.0.0", name: "pods", ipam: this.#ipam };
    return { verb, containerId, config };
  }

  async #eachDirectory(fn: (directory: string) => Promise<void>): Promise<void> {
    for (const directory of [this.#node.dataDirectory, this.#node.runDirectory]) {
      await fn(directory);
    }
  }
}

/** The addresses that an ADD printed, without prefix lengths; undefined when it did not. */
export function printedAddresses(stdout: string): string[] | undefined {
  if (!stdout.includes('"ips"')) return undefined;
  const { ips }: { ips: { address: string }[] } = JSON.parse(stdout);
  return ips.map(({ address }) => bareAddress(address));
}

/** What is read of a lease. */
interface StoredLease {
  readonly addresses: readonly { readonly address: string }[];
}

function bareAddress(text: string): string {
  return formatAddress(parsePrefix(text).address);
}

/** Replaces a directory by a copy of another; one that is not there leaves none. */
async function copyDirectory(from: string, to: string): Promise<void> {
  await Deno.remove(to, { recursive: true }).catch(() => {});
  const entries = await Array.fromAsync(Deno.readDir(from)).catch(() => undefined);
  if (!entries) return;
  await Deno.mkdir(to, { mode: 0o700 });
  for (const { name } of entries) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
}
