import { assertEquals } from "@std/assert";
import { foldRuntimeConfig } from "./runtime_config.ts";

Deno.test("foldRuntimeConfig: containerd's names become those of the conventions", () => {
  assertEquals(
    foldRuntimeConfig({
      portMappings: [{ HostPort: 8085, ContainerPort: 80, Protocol: "tcp", HostIP: "" }],
      bandwidth: { IngressRate: 1, IngressBurst: 4294967295, EgressRate: 2, EgressBurst: 3 },
      dns: { Servers: ["10.0.0.10"], Searches: ["a.b"], Options: ["ndots:5"] },
      ipRanges: [[{ Subnet: "10.0.0.0/8", RangeStart: "a", RangeEnd: "b", Gateway: "c" }]],
      CgroupPath: "/kubepods",
    }),
    {
      portMappings: [{ hostPort: 8085, containerPort: 80, protocol: "tcp", hostIP: "" }],
      bandwidth: { ingressRate: 1, ingressBurst: 4294967295, egressRate: 2, egressBurst: 3 },
      dns: { servers: ["10.0.0.10"], searches: ["a.b"], options: ["ndots:5"] },
      ipRanges: [[{ subnet: "10.0.0.0/8", rangeStart: "a", rangeEnd: "b", gateway: "c" }]],
      cgroupPath: "/kubepods",
    },
  );
});

Deno.test("foldRuntimeConfig: unknown names and pod annotations stay as they are", () => {
  const config = {
    "io.kubernetes.cri.pod-annotations": { MAC: "x", Dns: { Servers: 1 } },
    "Org.Example/Thing": { Whatever: [null, 5, "Text"] },
  };
  assertEquals(foldRuntimeConfig(config), config);
  const none = { "io.kubernetes.cri.pod-annotations": null };
  assertEquals(foldRuntimeConfig(none), none);
});
