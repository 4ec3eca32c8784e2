import { assertEquals } from "@std/assert";
import { parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import {
  type ConntrackRequest,
  deleteFlow,
  listFlowsLedTo,
  listFlowsTo,
  listUdpFlows,
} from "./request.ts";

const PORT: HostPort = {
  ...{ protocol: "udp", hostPort: 53, hostIp: undefined },
  ...{ target: parseAddress("10.1.0.5"), targetPort: 5353 },
};
const PORT6 = { ...PORT, hostIp: parseAddress("fd00::1"), target: parseAddress("fd00::5") };

/** Protocol UDP in a tuple. */
const UDP = "05000100 11000000";

Deno.test("requests: what is asked for, and by which parts the kernel filters", () => {
  const cases: [ConntrackRequest, type: number, flags: number, body: string][] = [
    [
      listFlowsTo(PORT),
      0x101,
      0x301,
      `02000000 18000180 14000280 ${UDP} 06000300 00350000
        14001980 08000100 28000000 08000200 00000000`,
    ],
    [
      listFlowsTo(PORT6),
      0x101,
      0x301,
      `0a000000 18000180 14000280 ${UDP} 06000300 00350000
        14001980 08000100 28000000 08000200 00000000`,
    ],
    [
      listFlowsLedTo(PORT),
      0x101,
      0x301,
      `02000000 18000280 14000280 ${UDP} 06000200 14e90000
        14001980 08000100 00000000 08000200 18000000`,
    ],
    [
      listUdpFlows(6),
      0x101,
      0x301,
      `0a000000 10000180 0c000280 ${UDP}
        14001980 08000100 08000000 08000200 00000000`,
    ],
    [
      deleteFlow({
        ...{ family: 10, original: Uint8Array.of(4, 0, 1, 128), id: Uint8Array.of(1, 2, 3, 4) },
        zone: undefined,
      }),
      0x102,
      0x005,
      "0a000000 08000180 04000180 08000c00 01020304",
    ],
    [
      deleteFlow({
        ...{ family: 2, original: new Uint8Array(), id: Uint8Array.of(1, 2, 3, 4) },
        zone: Uint8Array.of(0, 5),
      }),
      0x102,
      0x005,
      "02000000 04000180 08000c00 01020304 06001200 00050000",
    ],
  ];
  for (const [{ call, type, flags, body }, expectedType, expectedFlags, expected] of cases) {
    assertEquals([type, flags], [expectedType, expectedFlags], call);
    assertEquals(body.toHex(), expected.replaceAll(/\s/g, ""), call);
  }
});
