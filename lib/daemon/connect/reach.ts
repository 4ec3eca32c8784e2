/** Attempts to reach an address from a namespace. Each answers why it failed, undefined when not. */
import { KernelError } from "../../errors.ts";
import { errnoText } from "../../linux/errno.ts";
import type { Sync } from "../../linux/netns.ts";
import { isLastingErrno, ProbeSocket } from "../../linux/probe_socket.ts";
import type { Address } from "../../net/address.ts";
import { encodeDnsQuestion, readDnsCode } from "../../net/dns_message.ts";
import { encodeEchoRequest, isEchoReply } from "../../net/icmp_echo.ts";
import { pause } from "../../pause.ts";

/** From where, and for how long. */
export interface ReachOptions {
  /** Runs synchronous work in the namespace. */
  within<T>(fn: () => Sync<T>): Sync<T>;
  readonly timeoutMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** An address and a port. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

/** A packet may be lost, or wait for its neighbour's address: it is sent again after this time. */
const REPEAT_MS = 500;
/** A name that every cluster has; that it is unknown is an answer, too. */
const DNS_NAME = "kubernetes.default.svc.cluster.local";
const DNS_PORT = 53;

/**
 * Sends echo requests until one is answered.
 * @param packetBytes length of each with its IP header; never sent in pieces.
 */
export function reachByEcho(
  target: Address,
  options: ReachOptions,
  packetBytes?: number,
): Promise<string | undefined> {
  const identifier = randomWord();
  const request = (sequence: number) =>
    encodeEchoRequest(target.family, { identifier, sequence }, packetBytes);
  const isAnswer = (packet: Uint8Array, sequence: number) =>
    isEchoReply(target.family, packet, { identifier, sequence });
  return repeat(
    () => options.within(() => ProbeSocket.open("echo", target)),
    { request, isAnswer },
    options,
  );
}

/** Asks a name server until it answers, whatever it answers. */
export function reachNameServer(
  target: Address,
  options: ReachOptions,
): Promise<string | undefined> {
  const id = randomWord();
  const request = (sequence: number) => encodeDnsQuestion((id + sequence) & 0xffff, DNS_NAME);
  const isAnswer = (packet: Uint8Array, sequence: number) =>
    readDnsCode(packet, (id + sequence) & 0xffff) !== undefined;
  const open = () => options.within(() => ProbeSocket.open("datagram", target, DNS_PORT));
  return repeat(open, { request, isAnswer }, options);
}

/** Opens a TCP connection; somebody must listen there. */
export async function reachByTcp(
  { address, port }: Endpoint,
  options: ReachOptions,
): Promise<string | undefined> {
  try {
    using socket = options.within(() => ProbeSocket.open("stream", address, port));
    const endMs = performance.now() + options.timeoutMs;
    while (performance.now() < endMs && !options.signal.aborted) {
      const leftMs = Math.min(REPEAT_MS, endMs - performance.now());
      if (await socket.connected(address, port, leftMs)) return undefined;
    }
    return noAnswer(options);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return errnoText(error.errno);
  }
}

/** How a question is asked again and again. */
interface Exchange {
  request(sequence: number): Uint8Array<ArrayBuffer>;
  isAnswer(packet: Uint8Array, sequence: number): boolean;
}

async function repeat(
  open: () => ProbeSocket,
  exchange: Exchange,
  options: ReachOptions,
): Promise<string | undefined> {
  const endMs = performance.now() + options.timeoutMs;
  let seen: string | undefined;
  for (let sequence = 1; performance.now() < endMs && !options.signal.aborted; sequence++) {
    const turnEndMs = Math.min(endMs, performance.now() + REPEAT_MS);
    try {
      using socket = open();
      socket.send(exchange.request(sequence));
      while (performance.now() < turnEndMs) {
        const packet = await socket.receive(turnEndMs - performance.now());
        if (packet && exchange.isAnswer(packet, sequence)) return undefined;
      }
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      seen = errnoText(error.errno);
      if (isLastingErrno(error.errno)) return seen;
      await pause(Math.max(0, turnEndMs - performance.now()));
    }
  }
  return seen ?? noAnswer(options);
}

function noAnswer({ timeoutMs, signal }: ReachOptions): string {
  return signal.aborted ? "interrupted" : `no answer in ${timeoutMs / 1_000} s`;
}

function randomWord(): number {
  return Math.floor(Math.random() * 0x1_0000);
}
