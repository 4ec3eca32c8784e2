/** What requests about qdiscs and filters share: linux/rtnetlink.h, linux/pkt_sched.h. */
import { WireWriter } from "../wire/attribute.ts";

/** Bytes of `struct tcmsg`: u8 family, pad, i32 index, u32 handle, u32 parent, u32 info. */
export const TRAFFIC_HEADER_BYTES = 20;

/** Attributes of qdiscs and filters: `TCA_KIND`, `TCA_OPTIONS`, linux/rtnetlink.h. */
export const TCA_KIND = 1;
export const TCA_OPTIONS = 2;

/** Where packets leave a link: `TC_H_ROOT`, linux/pkt_sched.h. */
export const TC_H_ROOT = 0xffffffff;
/** Where packets enter a link: `TC_H_INGRESS`, linux/pkt_sched.h. */
export const TC_H_INGRESS = 0xfffffff1;
/** Handle of the qdisc that filters of entering packets hang on, `ffff:` for tc(8). */
export const INGRESS_HANDLE = 0xffff0000;

/** The fields of a header that differ. */
export interface TrafficHeader {
  readonly linkIndex: number;
  readonly handle?: number;
  readonly parent: number;
  readonly info?: number;
}

/** A header, ready for attributes. */
export function trafficHeader(
  { linkIndex, handle = 0, parent, info = 0 }: TrafficHeader,
): WireWriter {
  return new WireWriter().u32(0).u32(linkIndex).u32(handle).u32(parent).u32(info);
}
