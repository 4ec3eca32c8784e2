/** A node of a test's own on which the shipped `headcni-ipam` is called, as bridge or ptp call it. */
import { formatAddress } from "../../lib/net/address.ts";
import { listLeases } from "../../lib/store/leases.ts";
import { openStore, type Store } from "../../lib/store/store.ts";
import { type ProgramOutcome, runProgram } from "./program.ts";
import { HEADCNI_IPAM } from "./shipped.ts";

/** One call of an IPAM plugin. */
export interface IpamCall {
  readonly verb: "ADD" | "DEL" | "CHECK" | "STATUS";
  readonly containerId: string;
  /** `eth0` unless given. */
  readonly ifname?: string;
  /** Path of the container's namespace; that of none unless given. */
  readonly netns?: string;
  /** Network configuration; type and place of the store are filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  /** `CNI_ARGS`. */
  readonly args?: string | undefined;
}

/** What an IPAM plugin answered. */
export interface IpamAnswer {
  /** Text of the error object; undefined for success. */
  readonly failure: string | undefined;
  /** What ADD printed, without its empty parts. */
  readonly result?: IpamResult;
}

/** The addresses of a result: `ips` since version 0.3.0, one of each family before. */
export interface IpamResult {
  readonly ips?: readonly { readonly address: string }[];
  readonly ip4?: { readonly ip: string };
  readonly ip6?: { readonly ip: string };
}

/** Addresses of each container by the store, such as `{ c1: ["10.0.0.2"] }`. */
export type LeasedAddresses = Readonly<Record<string, readonly string[]>>;

/** A store, a run directory and a log. */
export class IpamNode implements AsyncDisposable {
  /** A temporary directory: all the rest lies in it. */
  readonly root: string;
  /** Put before every call: a command that runs what stands behind it, such as nsenter(1). */
  enter: readonly string[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  /** Makes a node where nothing was ever added. */
  static async make(): Promise<IpamNode> {
    return new IpamNode(await Deno.makeTempDir({ prefix: "hct" }));
  }

  /** Directory of the store. */
  get dataDirectory(): string {
    return `${this.root}/data`;
  }

  /** Directory of locks and spools. */
  get runDirectory(): string {
    return `${this.root}/run`;
  }

  /** Where the runtime keeps the results of ADD; it is not made. */
  get resultsDirectory(): string {
    return `${this.root}/results`;
  }

  /**
   * Calls the plugin.
   * @param under put before this call, such as strace(1).
   */
  call(call: IpamCall, under: readonly string[] = []): Promise<ProgramOutcome> {
    return runProgram({
      enter: [...this.enter, ...under],
      executable: HEADCNI_IPAM,
      env: {
        ...callEnvironment(call),
        HEADCNI_DATA_DIR: this.dataDirectory,
        HEADCNI_RUN_DIR: this.runDirectory,
        HEADCNI_LOG_FILE: `${this.root}/plugin.log`,
        HEADCNI_RESULTS_DIR: this.resultsDirectory,
      },
      stdin: configText(call, "headcni-ipam", this.dataDirectory),
    });
  }

  /** Opens the store of the node, which must be sound. */
  openStore(): Promise<Store> {
    return openStore({ directory: this.dataDirectory, runDirectory: this.runDirectory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

/** What CNI puts into the environment of a plugin: SPEC.md section 2. */
export function callEnvironment(call: IpamCall): Record<string, string> {
  const { verb, containerId, ifname = "eth0", netns = "/run/netns/hct-absent", args } = call;
  return {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: ifname,
    CNI_PATH: "/opt/cni/bin",
    ...args !== undefined && { CNI_ARGS: args },
  };
}

/** Standard input of a call for a plugin of a name that keeps its state in a directory. */
export function configText({ config }: IpamCall, type: string, dataDir: string): string {
  const { ipam } = config;
  const isObject = typeof ipam === "object" && ipam !== null;
  return JSON.stringify({ ...config, ...isObject && { ipam: { type, ...ipam, dataDir } } });
}

/** Reads what a call printed: an error object when it failed. */
export function answerOf({ code, stdout }: ProgramOutcome): IpamAnswer {
  if (stdout === "") return { failure: code === 0 ? undefined : `exit code ${code}` };
  if (code !== 0) return { failure: JSON.parse(stdout).msg };
  return { failure: undefined, result: JSON.parse(stdout, withoutEmpty) };
}

/** The addresses with prefix lengths that an ADD answered, none when it failed. */
export function addressesOf({ result = {} }: IpamAnswer): string[] {
  const { ips = [], ip4, ip6 } = result;
  return [...ips.map(({ address }) => address), ...[ip4, ip6].flatMap((one) => one?.ip ?? [])];
}

/** An address without its prefix length. */
export function bare(address: string): string {
  return address.split("/")[0] ?? "";
}

/** Who has what by the store. */
export async function leasedAddresses(store: Store): Promise<LeasedAddresses> {
  const leases = await store.read((reader) => listLeases(reader));
  return Object.fromEntries(leases.map(({ key, addresses }) => [
    key.containerId,
    addresses.map(({ address }) => formatAddress(address.address)),
  ]));
}

/** `dns: {}` and `ips: []` say as little as their absence: a reviver of `JSON.parse`. */
function withoutEmpty(_key: string, value: unknown): unknown {
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return isEmpty ? undefined : value;
}
