/**
 * Queueing disciplines over rtnetlink: a token bucket where packets leave a link, and the hook for
 * filters where they enter it. Leaves out every other kind, classes and statistics.
 */
import { queueLimitBytes, type Rate, type ShapedQueue } from "../net/rate.ts";
import {
  nestedAttributes,
  parseAttributes,
  readString,
  readU64,
  viewOf,
  WireWriter,
} from "../wire/attribute.ts";
import { type Message, NLM_F_CREATE, NLM_F_ECHO, NLM_F_REPLACE } from "../wire/message.ts";
import { type RouteRequest, routeRequest } from "./rtnetlink.ts";
import {
  INGRESS_HANDLE,
  TC_H_INGRESS,
  TC_H_ROOT,
  TCA_KIND,
  TCA_OPTIONS,
  TRAFFIC_HEADER_BYTES,
  trafficHeader,
} from "./traffic.ts";

/** Attributes of a token bucket: linux/pkt_sched.h. */
const TCA_TBF_PARMS = 1;
const TCA_TBF_RATE64 = 4;
const TCA_TBF_BURST = 6;

/** Handle of our token bucket, `1:` for tc(8); the reference plugin `bandwidth` has the same. */
const BUCKET_HANDLE = 0x10000;

/** `TC_LINKLAYER_ETHERNET`: no table of rates is to be looked up, linux/pkt_sched.h. */
const LINKLAYER_ETHERNET = 1;

/** Largest rate of a `struct tc_ratespec`, which stands for a larger one too. */
const MAX_U32 = 2 ** 32 - 1;

/** Where `struct tc_tbf_qopt` has its rate and its limit: linux/pkt_sched.h. */
const RATE_AT = 8;
const LIMIT_AT = 24;

/** Gives a link a token bucket for what leaves it, or changes the one that is there. */
export function setBucket(linkIndex: number, rate: Rate): RouteRequest {
  const { bytesPerSecond, burstBytes } = rate;
  const body = trafficHeader({ linkIndex, handle: BUCKET_HANDLE, parent: TC_H_ROOT });
  body.attributeString(TCA_KIND, "tbf").nested(TCA_OPTIONS, (options) => {
    const parameters = new WireWriter()
      .u8(0).u8(LINKLAYER_ETHERNET).u16(0).u32(0) // struct tc_ratespec
      .u32(Math.min(bytesPerSecond, MAX_U32))
      .u32(0).u32(0).u32(0) // no peak rate
      .u32(queueLimitBytes(rate))
      .u32(0).u32(0); // the burst as a time: it has an attribute of its own
    options.attribute(TCA_TBF_PARMS, parameters.finish());
    options.attributeU32(TCA_TBF_BURST, burstBytes);
    if (bytesPerSecond > MAX_U32) options.attributeU64(TCA_TBF_RATE64, bytesPerSecond);
  });
  return routeRequest("RTM_NEWQDISC", body, NLM_F_CREATE | NLM_F_REPLACE);
}

/** Gives a link the hook for filters of what enters it; one that is there stays as it is. */
export function addIngress(linkIndex: number): RouteRequest {
  const body = trafficHeader({ linkIndex, handle: INGRESS_HANDLE, parent: TC_H_INGRESS });
  body.attributeString(TCA_KIND, "ingress");
  return routeRequest("RTM_NEWQDISC", body, NLM_F_CREATE | NLM_F_REPLACE);
}

/**
 * Asks for what packets leave a link by: a message for {@linkcode decodeBucket}, or none. A dump
 * would answer for all links.
 */
export function getRootQdisc(linkIndex: number): RouteRequest {
  const body = trafficHeader({ linkIndex, parent: TC_H_ROOT });
  return routeRequest("RTM_GETQDISC", body, NLM_F_ECHO);
}

/**
 * Reads an `RTM_NEWQDISC` message; undefined when it is no token bucket.
 * @throws RangeError when it is cut short.
 */
export function decodeBucket(message: Message): ShapedQueue | undefined {
  const attributes = parseAttributes(message.body.subarray(TRAFFIC_HEADER_BYTES));
  if (readString(attributes.get(TCA_KIND)) !== "tbf") return undefined;
  const options = nestedAttributes(attributes, TCA_OPTIONS);
  const parameters = viewOf(options.get(TCA_TBF_PARMS) ?? new Uint8Array());
  return {
    bytesPerSecond: readU64(options.get(TCA_TBF_RATE64)) ?? parameters.getUint32(RATE_AT, true),
    limitBytes: parameters.getUint32(LIMIT_AT, true),
  };
}
