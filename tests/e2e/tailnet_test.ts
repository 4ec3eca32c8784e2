/** Real Headscale, real tailscaled, without us: what the tests of the mesh stand on. */
import { assertStringIncludes } from "@std/assert";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { findPeers } from "./peers.ts";
import { HEADSCALE_VERSIONS, HeadscaleServer, openPolicy } from "./tailnet/headscale.ts";
import { Internet } from "./tailnet/internet.ts";
import { MeshNode } from "./tailnet/node.ts";
import { until } from "./tailnet/until.ts";

for (const version of HEADSCALE_VERSIONS) {
  const missing = missingRoot() || findPeers("tailscale").missing ||
    findPeers(`headscale-${version}`).missing;
  testUnless(missing, `tailnet: Headscale ${version} leads to an approved route`, async () => {
    await using internet = await Internet.make();
    await using headscale = await HeadscaleServer.start(internet, version, openPolicy(version));
    const key = await headscale.makeAuthKey();
    await using one = await MeshNode.make(internet, headscale, { number: 1 });
    await using two = await MeshNode.make(internet, headscale, { number: 2 });
    for (const node of [one, two]) {
      await node.node.host.run("ip", "address", "add", `10.42.${node.number}.1/24`, "dev", "lo");
      await until("tailscaled listen", () => node.tailscale("debug", "prefs"));
      await node.tailscale(
        ...[
          "up",
          "--login-server",
          headscale.url,
          "--auth-key",
          `file:${await node.keyFile("key", key)}`,
        ],
        ...["--accept-routes", "--advertise-routes", `10.42.${node.number}.0/24`],
        ...["--hostname", node.name, "--timeout", "60s"],
      );
    }
    for (const { id, given_name } of await headscale.listNodes()) {
      await headscale.approve(id, [`10.42.${given_name.slice(-1)}.0/24`]);
    }
    const ping = await until("a ping", () => one.node.host.run("ping", "-c1", "-W2", "10.42.2.1"));
    assertStringIncludes(ping, "1 received");
  });
}
