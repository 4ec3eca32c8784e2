import { assertEquals } from "@std/assert";
import { parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { parseWith } from "../schema.ts";
import { storedHostPorts, toStoredHostPorts } from "./port_runs.ts";

Deno.test("toStoredHostPorts: what follows each other at both ends is one run", () => {
  const cases: [ports: [hostPort: number, targetPort: number][], runs: string][] = [
    [[[80, 8080]], "00501f900001"],
    [[[80, 8080], [81, 8081], [82, 8082]], "00501f900003"],
    [[[80, 8080], [81, 8080]], "00501f90000100511f900001"],
    [[[80, 8080], [82, 8081]], "00501f90000100521f910001"],
    [[[65_534, 1], [65_535, 2]], "fffe00010002"],
  ];
  for (const [numbers, runs] of cases) {
    const ports = numbers.map(([hostPort, targetPort]) => port({ hostPort, targetPort }));
    const stored = toStoredHostPorts(ports);
    assertEquals(stored.map((group) => group.runs.toHex()), [runs]);
    assertEquals(parseWith(storedHostPorts, stored, "ports"), ports);
  }
});

Deno.test("toStoredHostPorts: a range of both families is two groups, and comes back whole", () => {
  const targets = ["10.1.0.5", "fd00::5"].map(parseAddress);
  const ports = Array.from(
    { length: 1000 },
    (_, i) =>
      targets.map((target) => port({ hostPort: 30_000 + i, targetPort: 30_000 + i, target })),
  );
  const stored = toStoredHostPorts(ports.flat());
  assertEquals(stored.map(({ runs }) => runs.length), [6, 6]);
  assertEquals(parseWith(storedHostPorts, stored, "ports"), [
    ...ports.map(([first]) => first),
    ...ports.map(([, second]) => second),
  ]);
});

Deno.test("toStoredHostPorts: protocols, addresses of the node and of the pod are kept apart", () => {
  const ports = [
    port({}),
    port({ protocol: "udp" }),
    port({ hostIp: parseAddress("192.0.2.1") }),
    port({ target: parseAddress("10.1.0.6") }),
  ];
  assertEquals(toStoredHostPorts(ports).length, ports.length);
  assertEquals(parseWith(storedHostPorts, toStoredHostPorts(ports), "ports"), ports);
});

function port(parts: Partial<HostPort>): HostPort {
  const target = parseAddress("10.1.0.5");
  return {
    ...{ protocol: "tcp", hostPort: 80, hostIp: undefined, target, targetPort: 8080 },
    ...parts,
  };
}
