/**
 * Numbers of connection tracking's netlink protocol that we use; without another word they are from
 * linux/netfilter/nfnetlink_conntrack.h.
 */

/** The subsystem of nfnetlink: linux/netfilter/nfnetlink.h. */
export const NFNL_SUBSYS_CTNETLINK = 1;
/** Bytes of `struct nfgenmsg`, linux/netfilter/nfnetlink.h: u8 family, u8 version, be16 resource. */
export const NFGENMSG_BYTES = 4;

/** Protocol families: linux/netfilter.h. */
export const NFPROTO_BY_FAMILY = { 4: 2, 6: 10 } as const;

export const IPCTNL_MSG_CT_GET = 1;
export const IPCTNL_MSG_CT_DELETE = 2;

export const CTA_TUPLE_ORIG = 1;
export const CTA_TUPLE_REPLY = 2;
export const CTA_ID = 12;
export const CTA_ZONE = 18;
export const CTA_FILTER = 25;

export const CTA_TUPLE_IP = 1;
export const CTA_TUPLE_PROTO = 2;

export const CTA_IP_V4_SRC = 1;
export const CTA_IP_V4_DST = 2;
export const CTA_IP_V6_SRC = 3;
export const CTA_IP_V6_DST = 4;

export const CTA_PROTO_NUM = 1;
export const CTA_PROTO_SRC_PORT = 2;
export const CTA_PROTO_DST_PORT = 3;

/** Which parts of a tuple a dump is filtered by, u32 in host order; kernels before 5.8 ignore it. */
export const CTA_FILTER_ORIG_FLAGS = 1;
export const CTA_FILTER_REPLY_FLAGS = 2;
/** `CTA_FILTER_F_*`: net/netfilter/nf_conntrack_netlink.c, where they are in the kernel only. */
export const CTA_FILTER_F_CTA_PROTO_NUM = 1 << 3;
export const CTA_FILTER_F_CTA_PROTO_SRC_PORT = 1 << 4;
export const CTA_FILTER_F_CTA_PROTO_DST_PORT = 1 << 5;
