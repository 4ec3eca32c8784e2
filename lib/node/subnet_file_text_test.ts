import { assertEquals } from "@std/assert";
import { parseSubnetFile } from "../discovery/subnet_file.ts";
import { parsePrefix, type Prefix } from "../net/prefix.ts";
import { formatSubnetEnv, formatSubnetYaml, type SubnetFacts } from "./subnet_file_text.ts";

function prefixes(texts: string): Prefix[] {
  return texts.split(" ").filter((text) => text !== "").map(parsePrefix);
}

const FACTS: SubnetFacts = {
  nodeName: "node-1",
  podCidrs: prefixes("10.244.1.0/24 fd00:10:0:1::/64"),
  clusterCidrs: prefixes("10.244.0.0/16 10.245.0.0/16 fd00:10::/48"),
  serviceCidrs: prefixes("10.96.0.0/12 fd00:11::/112"),
  mtuBytes: 1280,
  ipMasq: true,
  routes: prefixes("10.96.0.0/12"),
  dns: { nameservers: ["10.96.0.10"], domain: "a.b", search: ["a: b", "c"], options: ["ndots:5"] },
};

const ENV = `HEADCNI_NETWORK=10.244.0.0/16,10.245.0.0/16
HEADCNI_SUBNET=10.244.1.0/24
HEADCNI_IPV6_NETWORK=fd00:10::/48
HEADCNI_IPV6_SUBNET=fd00:10:0:1::/64
HEADCNI_MTU=1280
HEADCNI_IPMASQ=true
`;

function read(text: string) {
  return parseSubnetFile({ path: "/run/x", text }, {});
}

Deno.test("formatSubnetEnv: the names of flannel's file under our prefix, and read back", () => {
  assertEquals(formatSubnetEnv(FACTS), ENV);
  assertEquals(read(ENV), {
    ...{ networks: FACTS.clusterCidrs, subnets: FACTS.podCidrs, mtuBytes: 1280, ipMasq: true },
    ...{ serviceCidrs: [], routes: [], dns: {} },
  });
});

Deno.test("formatSubnetYaml: read back as it was", () => {
  assertEquals(read(formatSubnetYaml(FACTS)), {
    ...{ networks: FACTS.clusterCidrs, subnets: FACTS.podCidrs, mtuBytes: 1280, ipMasq: true },
    ...{ serviceCidrs: FACTS.serviceCidrs, routes: [{ dst: parsePrefix("10.96.0.0/12") }] },
    dns: FACTS.dns,
  });
});

Deno.test("formatSubnetEnv, formatSubnetYaml: one family of two, no MTU, nobody names the cluster", () => {
  const one = { ...FACTS, podCidrs: prefixes("fd00:10:0:1::/64"), mtuBytes: undefined, dns: {} };
  const bare = { ...one, clusterCidrs: [], serviceCidrs: [], routes: [], ipMasq: false };
  for (const format of [formatSubnetEnv, formatSubnetYaml]) {
    const { networks, subnets, mtuBytes } = read(format(one));
    assertEquals([networks, subnets], [prefixes("fd00:10::/48"), one.podCidrs]);
    assertEquals(mtuBytes, undefined);
    assertEquals(read(format(bare)), {
      ...{ networks: one.podCidrs, subnets: one.podCidrs, mtuBytes: undefined, ipMasq: false },
      ...{ serviceCidrs: [], routes: [], dns: {} },
    });
  }
});
