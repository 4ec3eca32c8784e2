import { assertEquals } from "@std/assert";
import { releaseValues } from "./release_values.ts";

Deno.test("releaseValues: what no flag names is left to the chart", () => {
  assertEquals(releaseValues({}, undefined), {});
});

Deno.test("releaseValues: each flag where the chart has it, whatever is in it", () => {
  const hostile = 'a"b\n{{ .x }}';
  assertEquals(
    releaseValues(
      {
        headscaleUrl: "https://h.example",
        podCidr: "10.42.0.0/16,fd00::/48",
        serviceCidr: "10.43.0.0/16",
        ipamType: "host-local",
        imageRepo: "registry.example/headcni",
        imageTag: hostile,
      },
      { name: "headcni-auth", headscaleKey: "auth-key", tailscaleKey: undefined },
    ),
    {
      image: { repository: "registry.example/headcni", tag: hostile },
      config: {
        headscale: { url: "https://h.example" },
        network: { podCIDR: { base: "10.42.0.0/16,fd00::/48" }, serviceCIDR: "10.43.0.0/16" },
        ipam: { type: "host-local" },
      },
      secret: { existingName: "headcni-auth", headscaleKey: "auth-key" },
    },
  );
});
