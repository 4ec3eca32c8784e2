/** What tells the node's own loopback traffic from what only claims to be. */
import * as nf from "./nf_tables.ts";
import {
  type AddressField,
  type Expression,
  IP_VERSIONS,
  loadHeader,
  type Statement,
} from "./statement.ts";

/** The index of `lo` in every namespace: `LOOPBACK_IFINDEX`, net/flow.h of the kernel. */
const LOOPBACK_INDEX = Uint8Array.of(1, 0, 0, 0);
/** The first byte of 127.0.0.0/8: RFC 1122 section 3.2.1.3. */
const LOOPBACK_NET = Uint8Array.of(127);
/** ::1, RFC 4291 section 2.5.3. */
const LOOPBACK_ADDRESS6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
/** `RTN_LOCAL`, linux/rtnetlink.h, in host order. */
const RTN_LOCAL = Uint8Array.of(2, 0, 0, 0);

/** Goes on only with packets that came in by another link than `lo`. */
export function matchOtherLink(): Statement {
  return {
    text: 'iif != "lo"',
    expressions: [
      {
        name: "meta",
        data: [[nf.NFTA_META_KEY, nf.NFT_META_IIF], [nf.NFTA_META_DREG, nf.NFT_REG_1]],
      },
      compare(nf.NFT_CMP_NEQ, LOOPBACK_INDEX),
    ],
  };
}

/** Goes on only if the address is in 127.0.0.0/8. */
export function matchLoopbackNet(field: AddressField): Statement {
  return {
    text: `ip ${field} 127.0.0.0/8`,
    expressions: [loadHeader(IP_VERSIONS[4][field], 1), compare(nf.NFT_CMP_EQ, LOOPBACK_NET)],
  };
}

/** Goes on only if the destination is not ::1. */
export function matchNotLoopback6(): Statement {
  const { daddr, bytes } = IP_VERSIONS[6];
  return {
    text: "ip6 daddr != ::1",
    expressions: [loadHeader(daddr, bytes), compare(nf.NFT_CMP_NEQ, LOOPBACK_ADDRESS6)],
  };
}

/** Goes on only if the destination is an address of the node's own. */
export function matchLocalDestination(): Statement {
  return {
    text: "fib daddr type local",
    expressions: [
      {
        name: "fib",
        data: [
          [nf.NFTA_FIB_DREG, nf.NFT_REG_1],
          [nf.NFTA_FIB_RESULT, nf.NFT_FIB_RESULT_ADDRTYPE],
          [nf.NFTA_FIB_FLAGS, nf.NFTA_FIB_F_DADDR],
        ],
      },
      compare(nf.NFT_CMP_EQ, RTN_LOCAL),
    ],
  };
}

/** Drops the packet. */
export function drop(): Statement {
  const verdict: [number, [number, number][]] = [
    nf.NFTA_DATA_VERDICT,
    [[nf.NFTA_VERDICT_CODE, nf.NF_DROP]],
  ];
  return {
    text: "drop",
    expressions: [{
      name: "immediate",
      data: [[nf.NFTA_IMMEDIATE_DREG, nf.NFT_REG_VERDICT], [nf.NFTA_IMMEDIATE_DATA, [verdict]]],
    }],
  };
}

function compare(operator: number, value: Uint8Array): Expression {
  return {
    name: "cmp",
    data: [
      [nf.NFTA_CMP_SREG, nf.NFT_REG_1],
      [nf.NFTA_CMP_OP, operator],
      [nf.NFTA_CMP_DATA, [[nf.NFTA_DATA_VALUE, value]]],
    ],
  };
}
