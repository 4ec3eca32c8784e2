import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { formatPrefix } from "../net/prefix.ts";
import { parseSubnetFile, type SubnetFile } from "./subnet_file.ts";

const FLANNEL = `FLANNEL_NETWORK=10.244.0.0/16
FLANNEL_SUBNET=10.244.1.1/24
FLANNEL_IPV6_NETWORK=fd00:10::/48
FLANNEL_IPV6_SUBNET=fd00:10:0:1::1/64
FLANNEL_MTU=1450
FLANNEL_IPMASQ=true
`;

const YAML = `# written by the daemon
network: "10.244.0.0/16, 10.245.0.0/16,10.244.0.0/16"
subnet: 10.244.1.0/24
mtu: "1280" # bytes
ipmasq: "false"
metadata:
  generated_at: 2025-08-29T10:00:00Z
  node_name: node-1
  cluster_cidr: 10.244.0.0/16
  service_cidr: 10.96.0.0/12
routes:
  - dst: 10.96.0.0/12
  - dst: 192.168.0.0/24
    gw: 10.244.1.1
dns:
  nameservers: [10.96.0.10]
  search:
    - svc.cluster.local
  options: ["ndots:5"]
policies:
  allow_host_access: false
`;

function parse(text: string | undefined, overrides: Record<string, string> = {}): SubnetFile {
  return parseSubnetFile(text === undefined ? undefined : { path: "/run/x.env", text }, overrides);
}

/** As an operator writes it. */
function shown({ networks, subnets, mtuBytes, ipMasq, serviceCidrs }: SubnetFile): unknown {
  return {
    networks: networks.map(formatPrefix),
    subnets: subnets.map(formatPrefix),
    mtuBytes,
    ipMasq,
    serviceCidrs: serviceCidrs.map(formatPrefix),
  };
}

function refused(text: string | undefined, overrides: Record<string, string> = {}): string {
  const error = assertThrows(() => parse(text, overrides), ConfigError);
  assertEquals(error.reason, "no-pod-cidr");
  assert(error.message.includes("the HeadCNI daemon (or flanneld) writes this file"));
  return error.message;
}

const DUAL = {
  networks: ["10.244.0.0/16", "fd00:10::/48"],
  subnets: ["10.244.1.0/24", "fd00:10:0:1::/64"],
  mtuBytes: 1450,
  ipMasq: true,
  serviceCidrs: [],
};

Deno.test("parseSubnetFile: flannel's names, ours, quotes, BOM and line ends of Windows", () => {
  const texts = [
    FLANNEL,
    FLANNEL.replaceAll("FLANNEL_", "HEADCNI_"),
    FLANNEL.replaceAll("FLANNEL_", "export HEADCNI_"),
    FLANNEL.replaceAll(/=(.*)/g, `="$1" # quoted`),
    `\ufeff${FLANNEL.replaceAll("\n", "\r\n")}`,
    `${FLANNEL}FLANNEL_UNKNOWN=1\nOTHER='x y'\n`,
    FLANNEL.trimEnd(),
  ];
  for (const text of texts) assertEquals(shown(parse(text)), DUAL, text);
});

Deno.test("parseSubnetFile: our names win over flannel's, wherever they stand", () => {
  const { mtuBytes } = parse(`HEADCNI_MTU=1280\n${FLANNEL}`);
  assertEquals(mtuBytes, 1280);
});

Deno.test("parseSubnetFile: YAML, with numbers as text", () => {
  const file = parse(YAML);
  assertEquals(shown(file), {
    networks: ["10.244.0.0/16", "10.245.0.0/16"],
    subnets: ["10.244.1.0/24"],
    mtuBytes: 1280,
    ipMasq: false,
    serviceCidrs: ["10.96.0.0/12"],
  });
  assertEquals(file.routes.map(({ dst }) => formatPrefix(dst)), ["10.96.0.0/12", "192.168.0.0/24"]);
  assertEquals(file.dns, {
    nameservers: ["10.96.0.10"],
    search: ["svc.cluster.local"],
    options: ["ndots:5"],
  });
});

Deno.test("parseSubnetFile: both forms are told by what is in them", () => {
  const lines = parseSubnetFile({ path: "/x/env.yaml", text: FLANNEL }, {});
  const yaml = parseSubnetFile({ path: "/x/subnet.env", text: YAML }, {});
  assertEquals([lines.mtuBytes, yaml.mtuBytes], [1450, 1280]);
});

Deno.test("parseSubnetFile: both families under one key; one family alone", () => {
  const both = "network: fd00:10::/48,10.244.0.0/16\nsubnet: fd00:10:0:1::/64,10.244.1.0/24\n";
  assertEquals(parse(both).subnets.map(formatPrefix), ["10.244.1.0/24", "fd00:10:0:1::/64"]);
  const six = "ipv6_network: fd00:10::/48\nipv6_subnet: fd00:10:0:1::/64\n";
  assertEquals(parse(six).subnets.map(formatPrefix), ["fd00:10:0:1::/64"]);
});

Deno.test("parseSubnetFile: variables win key by key, and are enough alone", () => {
  const overrides = {
    HEADCNI_NETWORK: "10.0.0.0/8",
    HEADCNI_SUBNET: "10.9.0.0/24",
    HEADCNI_MTU: "1300",
    HEADCNI_IPMASQ: "false",
  };
  const expected = {
    networks: ["10.0.0.0/8", "fd00:10::/48"],
    subnets: ["10.9.0.0/24", "fd00:10:0:1::/64"],
    mtuBytes: 1300,
    ipMasq: false,
    serviceCidrs: [],
  };
  assertEquals(shown(parse(FLANNEL, overrides)), expected);
  const six = { HEADCNI_IPV6_NETWORK: "fd00:10::/48", HEADCNI_IPV6_SUBNET: "fd00:10:0:1::/64" };
  assertEquals(shown(parse(undefined, { ...overrides, ...six })), expected);
  // An empty variable says nothing.
  assertEquals(shown(parse(FLANNEL, { HEADCNI_SUBNET: "" })), DUAL);
});

Deno.test("parseSubnetFile: what is not said is undefined, and so is an MTU of 0", () => {
  const text = "network: 10.244.0.0/16\nsubnet: 10.244.1.0/24\nmtu: 0\nroutes:\ndns: {}\n";
  assertEquals(parse(text), {
    ...parse(`${text}ipmasq: null\n`),
    mtuBytes: undefined,
    ipMasq: undefined,
    routes: [],
    dns: {},
  });
});

Deno.test("parseSubnetFile: networks of both families under one key demand no subnet of both", () => {
  const text = "network: 10.244.0.0/16,fd00::/48\nsubnet: 10.244.1.0/24\n";
  const { networks, subnets } = parseSubnetFile({ path: "/run/x", text }, {});
  assertEquals([networks.length, subnets.length], [2, 1]);
});

Deno.test("parseSubnetFile: everything that is missing in one message", () => {
  const seen: readonly (readonly [text: string | undefined, part: string])[] = [
    ["mtu: 1280\n", "network and subnet are missing"],
    ["network: 10.244.0.0/16\n", "subnet is missing"],
    ["network: ''\nsubnet: null\n", "network and subnet are missing"],
    ["", "network and subnet are missing"],
    [
      "network: 10.244.0.0/16\nsubnet: 10.244.1.0/24\nipv6_network: fd00::/48\n",
      "ipv6_subnet is missing",
    ],
    ["network: 10.244.0.0/16\nsubnet: fd00::/64\n", "subnet and ipv6_network are missing"],
    ["ipv6_network: fd00::/48\n", "ipv6_subnet is missing"],
    [
      "FLANNEL_MTU=1450\nFLANNEL_NETWORK=",
      "HEADCNI_NETWORK or FLANNEL_NETWORK and HEADCNI_SUBNET or FLANNEL_SUBNET are missing",
    ],
    [undefined, "HEADCNI_NETWORK and HEADCNI_SUBNET are missing"],
  ];
  for (const [text, part] of seen) {
    const message = refused(text);
    assert(message.includes(part), message);
    const start = text === undefined
      ? "Cannot find a subnet file: there is none at " +
        `"/run/headcni/subnet.env", "/run/headcni/env.yaml", "/var/lib/headcni/env.yaml", and `
      : 'Cannot use subnet file "/run/x.env": ';
    assert(message.startsWith(start), message);
  }
});

Deno.test("parseSubnetFile: every malformed value at once, as it was written", () => {
  const message = refused(
    "network: 10.244.0.0/33\nsubnet: [1]\nmtu: 145\nipmasq: maybe\nroutes: x\n" +
      "dns:\n  search: x\nmetadata:\n  service_cidr: no\n",
    { HEADCNI_IPMASQ: "yes" },
  );
  for (
    const part of [
      'network: an IP prefix wanted, got "10.244.0.0/33"',
      "subnet: an IP prefix wanted, got 1",
      "mtu: 0 (automatic) or 576 to 65535 wanted, got 145",
      'HEADCNI_IPMASQ: true or false wanted, got "yes"',
      "Cannot use routes: ",
      "Cannot use dns: ",
      'metadata.service_cidr: an IP prefix wanted, got "no"',
    ]
  ) {
    assert(message.includes(part), `${part} in ${message}`);
  }
});

Deno.test("parseSubnetFile: subnets outside of the networks, and two of one family", () => {
  const network = "network: 10.244.0.0/16\n";
  for (const subnet of ["10.245.1.0/24", "10.244.0.0/15", "0.0.0.0/2"]) {
    const message = refused(`${network}subnet: ${subnet}\n`);
    assert(message.includes(`is outside of the cluster's networks "10.244.0.0/16"`), message);
  }
  const message = refused(`${network}subnet: 10.244.1.0/24,10.244.2.0/24\n`);
  assert(message.includes('one subnet a family wanted, got "10.244.1.0/24", "10.244.2.0/24"'));
});

Deno.test("parseSubnetFile: a line that nobody can read is named by its number", () => {
  const lines = [
    ["FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUB", "line 2: KEY=value wanted"],
    ["FLANNEL_NETWORK='10.244.0.0/16\n", "line 1: the quote ' is not closed"],
    ["FLANNEL_NETWORK=$(cat /x)\n", "line 1: a plain value wanted"],
    ["network: 10.244.0.0/16\nsubn", 'line 2: "key: value" or "- value" wanted, got "subn"'],
    ["network: &a 10.244.0.0/16\n", "line 1: a value without anchor"],
    ["- a\n", "keys with values wanted"],
  ];
  for (const [text = "", part = ""] of lines) {
    const message = refused(text);
    assert(message.includes(part), message);
  }
});

Deno.test("parseSubnetFile: a file cut anywhere is refused, or says nothing else", () => {
  for (const whole of [FLANNEL, YAML]) {
    const { networks, subnets, mtuBytes } = parse(whole);
    for (let length = 0; length < whole.length; length++) {
      let file: SubnetFile;
      try {
        file = parse(whole.slice(0, length));
      } catch (error) {
        assert(error instanceof ConfigError, String(error));
        continue;
      }
      const families = file.networks.map(({ address }) => address.family);
      const sameFamilies = networks.filter(({ address }) => families.includes(address.family));
      assertEquals(file.networks, sameFamilies);
      assertEquals(
        file.subnets,
        subnets.filter(({ address }) => families.includes(address.family)),
      );
      assert(file.mtuBytes === undefined || file.mtuBytes === mtuBytes);
    }
  }
});
