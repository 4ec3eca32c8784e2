import { assertEquals, assertStringIncludes } from "@std/assert";
import { logged } from "../../tests/fakes/logged.ts";
import { KernelError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { parsePrefix } from "../net/prefix.ts";
import { forgetLedFlows, forgetMasqueradedFlows, forgetStaleFlows } from "./conntrack.ts";

Deno.test("forgetStaleFlows, forgetLedFlows: a kernel without ctnetlink costs one warning", async () => {
  const ports = [53, 54].map((hostPort): HostPort => ({
    ...{ protocol: "udp", hostPort, hostIp: undefined, targetPort: 53 },
    target: parseAddress("10.1.0.5"),
  }));
  const socket = {
    request: () => {
      throw new KernelError("IPCTNL_MSG_CT_GET", 22, "Cannot forget flows: EINVAL");
    },
  };
  for (
    const forget of [
      () => forgetStaleFlows(socket, ports, () => []),
      () => forgetLedFlows(socket, ports),
      () => forgetMasqueradedFlows(socket, { sources: [parsePrefix("10.1.0.0/24")], exempt: [] }),
    ]
  ) {
    const log = await logged("warn", () => Promise.resolve(forget()));
    assertEquals(log.trim().split("\n").length, 1);
    assertStringIncludes(log, "Cannot forget UDP flows");
    assertStringIncludes(log, "EINVAL");
  }
});
