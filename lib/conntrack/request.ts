/** Questions to connection tracking, and the deletion of one entry. */
import type { Family } from "../net/address.ts";
import { type HostPort, PROTOCOL_NUMBERS } from "../net/host_port.ts";
import { WireWriter } from "../wire/attribute.ts";
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, type Request } from "../wire/message.ts";
import * as ct from "./ctnetlink.ts";
import type { EntryName } from "./entry.ts";

/** A request with its name for errors. */
export interface ConntrackRequest extends Request {
  readonly call: "IPCTNL_MSG_CT_GET" | "IPCTNL_MSG_CT_DELETE";
}

/** Asks for UDP flows to the port, of any address. Old kernels answer with all of the family. */
export function listFlowsTo({ hostPort, target }: HostPort): ConntrackRequest {
  return listFlows(target.family, {
    direction: ct.CTA_TUPLE_ORIG,
    flags: ct.CTA_FILTER_ORIG_FLAGS,
    port: {
      attribute: ct.CTA_PROTO_DST_PORT,
      flag: ct.CTA_FILTER_F_CTA_PROTO_DST_PORT,
      number: hostPort,
    },
  });
}

/** Asks for UDP flows that are answered from the pod's port, by any address; as above. */
export function listFlowsLedTo({ target, targetPort }: HostPort): ConntrackRequest {
  return listFlows(target.family, {
    direction: ct.CTA_TUPLE_REPLY,
    flags: ct.CTA_FILTER_REPLY_FLAGS,
    port: {
      attribute: ct.CTA_PROTO_SRC_PORT,
      flag: ct.CTA_FILTER_F_CTA_PROTO_SRC_PORT,
      number: targetPort,
    },
  });
}

/** Asks for all UDP flows of a family. Old kernels answer with flows of other protocols, too. */
export function listUdpFlows(family: Family): ConntrackRequest {
  return listFlows(family, { direction: ct.CTA_TUPLE_ORIG, flags: ct.CTA_FILTER_ORIG_FLAGS });
}

/** Deletes one entry; the kernel refuses with ENOENT when it has ended. */
export function deleteFlow({ family, original, id, zone }: EntryName): ConntrackRequest {
  const writer = new WireWriter().u8(family).u8(0).u16be(0);
  writer.nested(ct.CTA_TUPLE_ORIG, (tuple) => tuple.bytes(original));
  writer.attribute(ct.CTA_ID, id);
  if (zone) writer.attribute(ct.CTA_ZONE, zone);
  return request("IPCTNL_MSG_CT_DELETE", NLM_F_ACK, writer);
}

/** Numbers of the attributes that tell what a dump is filtered by. */
interface FlowFilter {
  readonly direction: number;
  readonly flags: number;
  /** Any port without it. */
  readonly port?: { readonly attribute: number; readonly flag: number; readonly number: number };
}

/**
 * Not filtered by address: kernels (6.18 too) take an IPv6 address that is equal for another one,
 * ctnetlink_filter_match_tuple() in net/netfilter/nf_conntrack_netlink.c.
 */
function listFlows(family: Family, { direction, flags, port }: FlowFilter): ConntrackRequest {
  const writer = new WireWriter().u8(ct.NFPROTO_BY_FAMILY[family]).u8(0).u16be(0);
  writer.nested(direction, (tuple) => {
    tuple.nested(ct.CTA_TUPLE_PROTO, (proto) => {
      proto.attributeU8(ct.CTA_PROTO_NUM, PROTOCOL_NUMBERS.udp);
      if (port) {
        proto.attribute(port.attribute, Uint8Array.of(port.number >> 8, port.number & 0xff));
      }
    });
  });
  const wanted = ct.CTA_FILTER_F_CTA_PROTO_NUM | (port?.flag ?? 0);
  writer.nested(ct.CTA_FILTER, (filter) => {
    for (const each of [ct.CTA_FILTER_ORIG_FLAGS, ct.CTA_FILTER_REPLY_FLAGS]) {
      filter.attributeU32(each, each === flags ? wanted : 0);
    }
  });
  return request("IPCTNL_MSG_CT_GET", NLM_F_DUMP, writer);
}

function request(
  call: ConntrackRequest["call"],
  flags: number,
  writer: WireWriter,
): ConntrackRequest {
  const message = call === "IPCTNL_MSG_CT_GET" ? ct.IPCTNL_MSG_CT_GET : ct.IPCTNL_MSG_CT_DELETE;
  return {
    call,
    type: ct.NFNL_SUBSYS_CTNETLINK << 8 | message,
    flags: NLM_F_REQUEST | flags,
    body: writer.finish(),
  };
}
