import type { TestNetns } from "./namespace.ts";

/** Counts who pings. */
const WITNESS = `
  table inet witness {
    set callers4 { type ipv4_addr; flags dynamic; size 16; }
    set callers6 { type ipv6_addr; flags dynamic; size 16; }
    chain input {
      type filter hook input priority 0;
      icmp type echo-request add @callers4 { ip saddr }
      icmpv6 type echo-request add @callers6 { ip6 saddr }
    }
  }`;

/** Seconds until a call counts as not answered. */
const PATIENCE = "2";

/** Where pings come from and arrive. */
type Place = Pick<TestNetns, "run">;

/** Who a place sees when `from` pings one of its addresses, by the address `source` if given. */
export async function callers(
  from: Place,
  place: Place,
  target: string,
  source?: string,
): Promise<string[]> {
  await place.run("nft", `table inet witness; delete table inet witness; ${WITNESS}`);
  const bind = source ? ["-I", source] : [];
  await from.run("ping", "-c", "1", "-W", "5", ...bind, target);
  const { nftables } = JSON.parse(
    await place.run("nft", "-j", "list", "table", "inet", "witness"),
  );
  return nftables.flatMap(({ set }: { set?: { elem?: string[] } }) => set?.elem ?? []);
}

/**
 * Connects the node with an outside that knows the way back to all that is behind it:
 * 198.51.100.2 and 203.0.113.2, 2001:db8:a::2 and 2001:db8:e::2. Neither end detects duplicate
 * addresses: until that is over for its link-local address, some two seconds, a node does not look
 * for the neighbour of what it forwards, and after three it gives up.
 */
export async function connectOutside(host: TestNetns, outside: TestNetns): Promise<void> {
  // Where both ends have the same index the kernel takes up to a second to see that they are up:
  // linkwatch_urgent_event() in net/core/link_watch.c.
  await ip(host, [`link add out0 index 99 type veth peer name eth0 netns ${outside.name}`]);
  await host.run("sysctl", "-qw", "net.ipv6.conf.out0.accept_dad=0");
  await outside.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0");
  await ip(host, [
    "address add 198.51.100.1/24 dev out0",
    "address add 2001:db8:a::1/64 dev out0 nodad",
    "link set out0 up",
    "route add 203.0.113.0/24 dev out0",
    "route add 2001:db8:e::/64 dev out0",
  ]);
  await ip(outside, [
    "address add 198.51.100.2/24 dev eth0",
    "address add 203.0.113.2/32 dev eth0",
    "address add 2001:db8:a::2/64 dev eth0 nodad",
    "address add 2001:db8:e::2/128 dev eth0 nodad",
    "link set eth0 up",
    "route add default via 198.51.100.1",
    "route add default via 2001:db8:a::1",
  ]);
}

/** A server that tells who calls. */
export interface Teller {
  /** Begins its answers. */
  readonly name: string;
  /** Where it listens; anywhere by default. */
  readonly address?: string;
  /** 80 by default. */
  readonly port?: number;
}

/** Runs a server in a namespace, by TCP and UDP; it listens already, and ends with its disposal. */
export async function tellCallers(
  place: Pick<TestNetns, "path">,
  { name, address = "::", port = 80 }: Teller,
): Promise<AsyncDisposable> {
  return await serve(place, "tell_caller.ts", [name, address, `${port}`]);
}

/** Runs a script of this folder that serves, and says so, in a namespace; it ends with its disposal. */
export async function serve(
  place: Pick<TestNetns, "path">,
  name: string,
  words: readonly string[] = [],
): Promise<AsyncDisposable> {
  const script = new URL(name, import.meta.url).pathname;
  const args = ["-q", "--unstable-net", "-A", "--no-config", script, ...words];
  const child = new Deno.Command("nsenter", {
    args: [`--net=${place.path}`, Deno.execPath(), "run", ...args],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read(); // ready
  await reader.cancel();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** What a caller is told by {@linkcode tellCallers}, such as `a sees 10.9.0.1`, or `nothing`. */
export async function askTeller(
  from: Place,
  address: string,
  port: number,
  protocol: "tcp" | "udp" = "tcp",
): Promise<string> {
  // Not read: it would take a datagram byte by byte, which loses all but the first.
  const program = `exec 3<>/dev/${protocol}/${address}/${port} && echo >&3 && head -n 1 <&3`;
  const answer = await from.run("timeout", PATIENCE, "bash", "-c", program)
    .catch(() => "nothing");
  return answer.trim();
}

/** Runs commands of ip(8) in order. */
export async function ip(netns: Place, commands: readonly string[]): Promise<void> {
  for (const command of commands) await netns.run("ip", ...command.split(" "));
}
