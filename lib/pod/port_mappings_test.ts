import { assertEquals, assertThrows } from "@std/assert";
import { foldRuntimeConfig } from "../cni/runtime_config.ts";
import { ConfigError } from "../errors.ts";
import { formatStep } from "../host/format.ts";
import { parseAddress } from "../net/address.ts";
import { formatHostPort } from "../net/host_port.ts";
import { parsePodNetwork } from "./config.ts";
import {
  findUnmappable,
  parsePortMappings,
  planHostPorts,
  planHostPortSteps,
} from "./port_mappings.ts";

const DUAL = ["10.244.1.5", "10.244.9.5", "fd00::5"];

Deno.test("planHostPorts: one per family that the pod has and the host address allows", () => {
  const cases: [string, unknown, string[], string[]][] = [
    [
      "containerd",
      [
        { HostPort: 8085, ContainerPort: 80, Protocol: "tcp", HostIP: "" },
        { HostPort: 0, ContainerPort: 81, Protocol: "tcp", HostIP: "" },
        { ContainerPort: 82 },
      ],
      DUAL,
      ["tcp 8085 -> 10.244.1.5:80", "tcp 8085 -> [fd00::5]:80"],
    ],
    [
      "podman",
      [{ hostPort: 53, containerPort: 5353, protocol: "udp", hostIP: "192.0.2.1" }],
      DUAL,
      ["udp 192.0.2.1:53 -> 10.244.1.5:5353"],
    ],
    ["any of IPv4", [mapping({ hostIP: "0.0.0.0" })], DUAL, ["tcp 80 -> 10.244.1.5:80"]],
    ["any of IPv6", [mapping({ hostIP: "::" })], DUAL, ["tcp 80 -> [fd00::5]:80"]],
    ["one of IPv6", [mapping({ hostIP: "fd00::1" })], DUAL, ["tcp [fd00::1]:80 -> [fd00::5]:80"]],
    ["a family that the pod has not", [mapping({ hostIP: "fd00::1" })], ["10.244.1.5"], []],
    ["upper case", [mapping({ protocol: "SCTP" })], ["10.244.1.5"], ["sctp 80 -> 10.244.1.5:80"]],
    ["no protocol", [mapping({ protocol: "" })], ["10.244.1.5"], ["tcp 80 -> 10.244.1.5:80"]],
    ["twice the same", [mapping({}), mapping({})], ["10.244.1.5"], ["tcp 80 -> 10.244.1.5:80"]],
    [
      "one address, then any",
      [mapping({ hostIP: "192.0.2.1" }), mapping({ hostPort: 81 }), mapping({})],
      ["10.244.1.5"],
      ["tcp 81 -> 10.244.1.5:80", "tcp 80 -> 10.244.1.5:80"],
    ],
    [
      "any, then one address",
      [mapping({}), mapping({ hostIP: "192.0.2.1" })],
      ["10.244.1.5"],
      ["tcp 80 -> 10.244.1.5:80"],
    ],
    [
      "two addresses",
      [mapping({ hostIP: "192.0.2.1" }), mapping({ hostIP: "192.0.2.2", containerPort: 81 })],
      ["10.244.1.5"],
      ["tcp 192.0.2.1:80 -> 10.244.1.5:80", "tcp 192.0.2.2:80 -> 10.244.1.5:81"],
    ],
    ["no list", undefined, DUAL, []],
    ["null", null, DUAL, []],
    ["an empty list", [], DUAL, []],
  ];
  for (const [name, portMappings, addresses, expected] of cases) {
    assertEquals(plan(portMappings, addresses).map(formatHostPort), expected, name);
  }
});

Deno.test("findUnmappable: a mapping whose address is of a family that the pod has not", () => {
  const mappings = parsePortMappings({
    portMappings: [mapping({}), mapping({ hostPort: 81, hostIP: "fd00::1" })],
  });
  const found = findUnmappable(mappings, [parseAddress("10.244.1.5")]);
  assertEquals(found.map(({ hostPort }) => hostPort), [81]);
  assertEquals(findUnmappable(mappings, DUAL.map(parseAddress)), []);
});

Deno.test("planHostPorts: one host port cannot lead to two places", () => {
  const others = [{ containerPort: 81 }, { containerPort: 81, hostIP: "192.0.2.1" }];
  for (const other of others) {
    for (const mappings of [[mapping({}), mapping(other)], [mapping(other), mapping({})]]) {
      const error = assertThrows(() => plan(mappings, DUAL), ConfigError, "Cannot map host port");
      assertEquals(error.reason, "invalid-config");
    }
  }
});

Deno.test("parsePortMappings: lists every fault", () => {
  const portMappings = [
    mapping({ hostPort: 65_536 }),
    mapping({ containerPort: 0 }),
    mapping({ hostPort: 1.5 }),
    mapping({ protocol: "icmp" }),
    mapping({ hostIP: "localhost" }),
    mapping({ hostIP: "::1" }),
    { hostPort: 80 },
    "80:80",
  ];
  const error = assertThrows(() => plan(portMappings, DUAL), ConfigError);
  assertEquals(error.message.split("; "), [
    "Cannot use runtimeConfig.portMappings: 0.hostPort: 1 to 65535 wanted, got 65536",
    "1.containerPort: 1 to 65535 wanted, got 0",
    "2.hostPort: 1 to 65535 wanted, got 1.5",
    '3.protocol: tcp, udp or sctp wanted, got "icmp"',
    '4.hostIP: an IP address other than ::1 wanted, got "localhost"',
    '5.hostIP: an IP address other than ::1 wanted, got "::1"',
    '6.containerPort: "containerPort" wanted, got undefined',
    '7: Object wanted, got "80:80"',
  ]);
  assertThrows(() => plan("80:80", DUAL), ConfigError, 'Array wanted, got "80:80"');
});

Deno.test("planHostPortSteps: 127.0.0.1 may leave by the link of the pod, for IPv4 only", () => {
  const steps = (datapath: string, addresses: string[]) => {
    const raw = { ipam: { type: "headcni-ipam" }, datapath };
    const network = parsePodNetwork({
      cniVersion: "1.0.0",
      name: "pods",
      type: "headcni",
      raw,
      ipam: raw.ipam,
      runtimeConfig: {},
      cniArgs: {},
      prevResult: undefined,
      validAttachments: undefined,
    }, undefined);
    const identity = {
      key: { network: "pods", containerId: "c", ifname: "eth0" },
      pod: {},
      hostLink: "veth1",
    };
    return planHostPortSteps(network, identity, plan([mapping({})], addresses)).map(formatStep);
  };
  assertEquals(steps("bridge", DUAL), ["sysctl -w net/ipv4/conf/headcni0/route_localnet=1"]);
  assertEquals(steps("ptp", DUAL), ["sysctl -w net/ipv4/conf/veth1/route_localnet=1"]);
  assertEquals(steps("ptp", ["fd00::5"]), []);
  assertEquals(steps("ptp", []), []);
});

function mapping(changes: Record<string, unknown>): Record<string, unknown> {
  return { hostPort: 80, containerPort: 80, protocol: "tcp", hostIP: "", ...changes };
}

function plan(portMappings: unknown, addresses: readonly string[]) {
  const runtimeConfig = foldRuntimeConfig({ portMappings });
  return planHostPorts(parsePortMappings(runtimeConfig), addresses.map(parseAddress));
}
