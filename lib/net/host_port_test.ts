import { assertEquals } from "@std/assert";
import { parseAddress } from "./address.ts";
import {
  claimOf,
  claimsOverlap,
  equalHostPorts,
  formatClaim,
  formatHostPort,
  type HostPort,
  PROTOCOL_NUMBERS,
  protocolOfNumber,
} from "./host_port.ts";

Deno.test("formatHostPort, formatClaim: where from and where to", () => {
  const cases: [HostPort, string, string][] = [
    [port({}), "tcp 8080 -> 10.244.1.5:80", "tcp 8080"],
    [port({ hostIp: "192.0.2.1" }), "tcp 192.0.2.1:8080 -> 10.244.1.5:80", "tcp 192.0.2.1:8080"],
    [
      port({ protocol: "udp", hostIp: "fd00::1", target: "fd00::5" }),
      "udp [fd00::1]:8080 -> [fd00::5]:80",
      "udp [fd00::1]:8080",
    ],
  ];
  for (const [value, text, claim] of cases) {
    assertEquals([formatHostPort(value), formatClaim(claimOf(value))], [text, claim]);
  }
});

Deno.test("claimsOverlap: any address is each address of the family", () => {
  const any = port({});
  const one = port({ hostIp: "192.0.2.1" });
  const cases: [HostPort, HostPort, boolean][] = [
    [any, any, true],
    [any, one, true],
    [one, any, true],
    [one, one, true],
    [one, port({ hostIp: "192.0.2.2" }), false],
    [any, port({ protocol: "udp" }), false],
    [any, port({ hostPort: 8081 }), false],
    [any, port({ target: "fd00::5" }), false],
  ];
  for (const [a, b, expected] of cases) {
    const name = `${formatHostPort(a)}, ${formatHostPort(b)}`;
    assertEquals(claimsOverlap(claimOf(a), claimOf(b)), expected, name);
  }
});

Deno.test("equalHostPorts: each part counts", () => {
  const others = [
    port({ hostIp: "192.0.2.1" }),
    port({ protocol: "sctp" }),
    port({ hostPort: 1 }),
    port({ target: "10.244.1.6" }),
    port({ targetPort: 81 }),
  ];
  assertEquals(equalHostPorts(port({}), port({})), true);
  for (const other of others) {
    assertEquals(equalHostPorts(other, { ...other }), true);
    assertEquals(equalHostPorts(port({}), other), false, formatHostPort(other));
    assertEquals(equalHostPorts(other, port({})), false, formatHostPort(other));
  }
});

Deno.test("protocolOfNumber: the three of PROTOCOL_NUMBERS", () => {
  const names = Object.values(PROTOCOL_NUMBERS).map(protocolOfNumber);
  assertEquals([...names, protocolOfNumber(1)], ["tcp", "udp", "sctp", undefined]);
});

interface PortText extends Partial<Pick<HostPort, "protocol" | "hostPort" | "targetPort">> {
  readonly hostIp?: string;
  readonly target?: string;
}

function port({ hostIp, target = "10.244.1.5", ...rest }: PortText): HostPort {
  return {
    protocol: "tcp",
    hostPort: 8080,
    targetPort: 80,
    ...rest,
    hostIp: hostIp === undefined ? undefined : parseAddress(hostIp),
    target: parseAddress(target),
  };
}
