/** The filter that hands all that enters a link to another link. Leaves out every other filter. */
import {
  type Attributes,
  nestedAttributes,
  parseAttributes,
  readString,
  viewOf,
  WireWriter,
} from "../wire/attribute.ts";
import { type Message, NLM_F_CREATE, NLM_F_REPLACE } from "../wire/message.ts";
import { dumpRequest, type RouteRequest, routeRequest } from "./rtnetlink.ts";
import {
  INGRESS_HANDLE,
  TCA_KIND,
  TCA_OPTIONS,
  TRAFFIC_HEADER_BYTES,
  trafficHeader,
} from "./traffic.ts";

/** Attributes of a u32 filter and flag of its selector: linux/pkt_cls.h. */
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TC_U32_TERMINAL = 1;

/** Attributes of an action: linux/pkt_cls.h. */
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
/** The packet is the other link's now: `TC_ACT_STOLEN`, linux/pkt_cls.h. */
const TC_ACT_STOLEN = 4;
/** Where a list of actions has the first. */
const FIRST_ACTION = 1;

/** `struct tc_mirred` and what it does: linux/tc_act/tc_mirred.h. */
const TCA_MIRRED_PARMS = 2;
const TCA_EGRESS_REDIR = 1;
const MIRRED_KIND_AT = 20;
const MIRRED_INDEX_AT = 24;

/** Every protocol, `ETH_P_ALL` in network order: linux/if_ether.h. */
const ALL_PROTOCOLS_BE = 0x0300;
/** Preference, above the protocol in a header's `info`: it is looked at first. */
const PREFERENCE = 1;
/**
 * First rule of the first table, `800::800` for tc(8), which the kernel would number so itself; with
 * it the filter that is there is changed.
 */
const FILTER_HANDLE = 0x80000800;

/**
 * `struct tc_u32_sel` with one key that any packet fits, linux/pkt_cls.h. There is a classifier for
 * just that, matchall, but kernels have it less often.
 */
const MATCH_ALL: Uint8Array = new WireWriter()
  .u8(TC_U32_TERMINAL).u8(0).u8(1).u8(0).u32(0).u32(0).u32(0)
  .u32(0).u32(0).u32(0).u32(0) // struct tc_u32_key: mask, value, offset, mask of the offset
  .finish();

/** Hands all that enters a link, which has the hook for filters, to the other link. */
export function redirectAll(linkIndex: number, toIndex: number): RouteRequest {
  const body = trafficHeader({
    linkIndex,
    handle: FILTER_HANDLE,
    parent: INGRESS_HANDLE,
    info: PREFERENCE << 16 | ALL_PROTOCOLS_BE,
  });
  body.attributeString(TCA_KIND, "u32").nested(TCA_OPTIONS, (options) => {
    options.attribute(TCA_U32_SEL, MATCH_ALL).nested(TCA_U32_ACT, (actions) => {
      actions.nested(FIRST_ACTION, (action) => {
        action.attributeString(TCA_ACT_KIND, "mirred").nested(TCA_ACT_OPTIONS, (mirred) => {
          const parameters = new WireWriter().u32(0).u32(0).u32(TC_ACT_STOLEN).u32(0).u32(0)
            .u32(TCA_EGRESS_REDIR).u32(toIndex);
          mirred.attribute(TCA_MIRRED_PARMS, parameters.finish());
        });
      });
    });
  });
  return routeRequest("RTM_NEWTFILTER", body, NLM_F_CREATE | NLM_F_REPLACE);
}

/** Asks for the filters of what enters a link: messages for {@linkcode decodeRedirect}. */
export function listIngressFilters(linkIndex: number): RouteRequest {
  return dumpRequest("RTM_GETTFILTER", trafficHeader({ linkIndex, parent: INGRESS_HANDLE }));
}

/**
 * Reads an `RTM_NEWTFILTER` message: the index of the link that gets all packets, or undefined when
 * the filter does anything else. A link that was removed since has the index 0.
 * @throws RangeError when it is cut short.
 */
export function decodeRedirect(message: Message): number | undefined {
  const attributes = parseAttributes(message.body.subarray(TRAFFIC_HEADER_BYTES));
  if (readString(attributes.get(TCA_KIND)) !== "u32") return undefined;
  const options = nestedAttributes(attributes, TCA_OPTIONS);
  if (options.get(TCA_U32_SEL)?.toHex() !== MATCH_ALL.toHex()) return undefined;
  return redirectTarget(nestedAttributes(nestedAttributes(options, TCA_U32_ACT), FIRST_ACTION));
}

function redirectTarget(action: Attributes): number | undefined {
  if (readString(action.get(TCA_ACT_KIND)) !== "mirred") return undefined;
  const parameters = nestedAttributes(action, TCA_ACT_OPTIONS).get(TCA_MIRRED_PARMS);
  if (!parameters) return undefined;
  const view = viewOf(parameters);
  if (view.getUint32(MIRRED_KIND_AT, true) !== TCA_EGRESS_REDIR) return undefined;
  return view.getUint32(MIRRED_INDEX_AT, true);
}
