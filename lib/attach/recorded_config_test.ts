import { assertEquals } from "@std/assert";
import { makeRequest } from "../../tests/fakes/request.ts";
import { recordedConfig } from "./recorded_config.ts";

Deno.test("recordedConfig: all but the mappings of host ports", () => {
  const mac = "02:00:00:00:00:01";
  const cases: [sent: unknown, kept: unknown][] = [
    [undefined, undefined],
    [{ mac, portMappings: [{ hostPort: 80, containerPort: 80 }] }, { mac }],
    [{ PortMappings: [] }, {}],
  ];
  for (const [sent, kept] of cases) {
    const config = (runtimeConfig: unknown) => {
      const keys = runtimeConfig === undefined ? {} : { runtimeConfig };
      return makeRequest("ADD", { type: "headcni", ...keys }).config;
    };
    assertEquals(recordedConfig(config(sent)), config(kept).raw);
  }
});
