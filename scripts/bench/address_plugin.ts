/**
 * An address plugin with a state of its own that already holds a number of leases. It is called as a
 * runtime calls it; everything lies in one temporary directory, which dispose removes.
 */
import { join } from "@std/path";
import { batchesOf } from "../../lib/batches.ts";
import { parseIpamConfig } from "../../lib/ipam/config.ts";
import { addOffset, type Address, formatAddress, parseAddress } from "../../lib/net/address.ts";
import { bootId } from "../../lib/platform.ts";
import { listLeases, restoreLease } from "../../lib/store/leases.ts";
import { openStore, type StoreOptions } from "../../lib/store/store.ts";

const NETWORK = "bench";
const SUBNET = { address: parseAddress("10.96.0.0"), length: 16 };
const GATEWAY = addOffset(SUBNET.address, 1n);
/** Leases of one commit, of 100 checks: as neighbours in a page they need two each. */
const BATCH = 40;

/** Ours, and the one of the reference plugins. */
export type PluginType = "headcni-ipam" | "host-local";

/** A plugin and its state. */
export class AddressPlugin implements AsyncDisposable {
  readonly name: string;
  /** How many leases it holds between calls. */
  readonly leases: number;
  readonly directory: string;
  readonly #folder: string;
  readonly #type: PluginType;

  private constructor(folder: string, type: PluginType, leases: number, directory: string) {
    this.#folder = folder;
    this.#type = type;
    this.leases = leases;
    this.directory = directory;
    this.name = `${type}, ${leases} leases`;
  }

  /** The executable of that name in `folder`, with so many leases of others. */
  static async open(folder: string, type: PluginType, leases: number): Promise<AddressPlugin> {
    const directory = await Deno.makeTempDir({ prefix: "hcb-ipam-" });
    await using undo = new AsyncDisposableStack();
    const plugin = undo.use(new AddressPlugin(folder, type, leases, directory));
    if (type === "host-local") await fillHostLocal(join(directory, "state", NETWORK), leases);
    else await fillStore(storeOptions(directory), leases);
    undo.move();
    return plugin;
  }

  /** Milliseconds of a call, from spawn to exit. Throws when it fails. */
  async time(verb: "ADD" | "DEL"): Promise<number> {
    const start = performance.now();
    const child = new Deno.Command(join(this.#folder, this.#type), {
      clearEnv: true,
      env: this.#environment(verb),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(this.#config()));
    await writer.close();
    const { success, stdout } = await child.output();
    const elapsedMs = performance.now() - start;
    const text = new TextDecoder().decode(stdout);
    if (!success) throw new Error(`${this.name}: ${verb} failed: ${text}`);
    if (verb === "ADD" && !text.includes(`"10.96.`)) {
      throw new Error(`${this.name}: ADD gave no address: ${text}`);
    }
    return elapsedMs;
  }

  /** Throws unless the leases that it began with are there, and no other. */
  async check(): Promise<void> {
    const count = this.#type === "host-local"
      ? countFiles(join(this.directory, "state", NETWORK))
      : await countLeases(storeOptions(this.directory));
    if (count === this.leases) return;
    throw new Error(`${this.name}: ${count} leases were left`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }

  #config(): string {
    const dataDir = join(this.directory, "state");
    const ranges = [[{ subnet: "10.96.0.0/16" }]];
    // No rest: else the pages would fill up with released addresses.
    const ipam = { type: this.#type, dataDir, ranges, cooldown: "0s" };
    return JSON.stringify({ cniVersion: "1.0.0", name: NETWORK, type: "bridge", ipam });
  }

  #environment(verb: string): Record<string, string> {
    return {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: containerId(-1),
      CNI_NETNS: "/proc/self/ns/net",
      CNI_IFNAME: "eth0",
      CNI_PATH: "/usr/lib/cni",
      HEADCNI_RUN_DIR: join(this.directory, "run"),
      HEADCNI_RESULTS_DIR: join(this.directory, "results"),
      HEADCNI_LOG_FILE: join(this.directory, "plugin.log"),
    };
  }
}

function storeOptions(directory: string): StoreOptions {
  return { directory: join(directory, "state"), runDirectory: join(directory, "run") };
}

/** By the library, of this boot, for what an earlier boot left would be looked through. */
async function fillStore(options: StoreOptions, leases: number): Promise<void> {
  const presentBoot = bootId();
  const { pool } = parseIpamConfig({ network: NETWORK, ipam: { subnet: "10.96.0.0/16" } });
  await using store = await openStore(options);
  const numbers = Array.from({ length: leases }, (_, at) => at);
  for (const batch of batchesOf(numbers, BATCH)) {
    await store.write(async (tx) => {
      for (const i of batch) {
        await restoreLease(tx, {
          key: { network: NETWORK, containerId: containerId(i), ifname: "eth0" },
          pool,
          addresses: [{ address: { address: leased(i), length: SUBNET.length }, gateway: GATEWAY }],
          pod: { namespace: "bench", name: `pod-${i}` },
          netns: "/proc/self/ns/net",
          bootId: presentBoot,
          createdMs: Date.now(),
          createdUptimeMs: 0,
          hostNetns: "",
          restMs: 0,
        });
      }
    });
  }
}

async function countLeases(options: StoreOptions): Promise<number> {
  await using store = await openStore(options);
  return (await store.read((reader) => listLeases(reader, NETWORK))).length;
}

/** A file for each address, with the container and the interface, and the one that was given last. */
async function fillHostLocal(directory: string, leases: number): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for (let i = 0; i < leases; i++) {
    const file = join(directory, formatAddress(leased(i)));
    await Deno.writeTextFile(file, `${containerId(i)}\r\neth0`);
  }
  const last = formatAddress(leased(leases - 1));
  await Deno.writeTextFile(join(directory, "last_reserved_ip.0"), last);
}

function countFiles(directory: string): number {
  return Array.from(Deno.readDirSync(directory)).filter(({ name }) => name.startsWith("10."))
    .length;
}

/** The first addresses behind the gateway. */
function leased(at: number): Address {
  return addOffset(GATEWAY, BigInt(at + 1));
}

/** 64 hexadecimal digits, as container runtimes make them. */
function containerId(at: number): string {
  return (at + 1).toString(16).padStart(64, "0");
}
