/** Real releases of Headscale read the policy that we print; `configtest` listens to nobody. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { formatPolicy } from "../../lib/mesh/policy.ts";
import { prefixes } from "../fakes/tailnet.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { configOf, findHeadscale, HEADSCALE_VERSIONS } from "./tailnet/headscale.ts";

const CLUSTER = prefixes("10.244.0.0/16 fd00:10::/48");
const TAGS = ["tag:control-server", "tag:headcni"];

const POLICIES = [
  { name: "tags of nobody", want: { clusterCidrs: CLUSTER, tags: TAGS } },
  { name: "tags of a user", want: { clusterCidrs: CLUSTER, tags: TAGS, user: "k8s" } },
  { name: "one family", want: { clusterCidrs: CLUSTER.slice(1), tags: TAGS.slice(1) } },
];

for (const release of HEADSCALE_VERSIONS) {
  const program = findHeadscale(release);
  testUnless(program.missing, `Headscale ${release} takes the policy of the mesh`, async (t) => {
    for (const { name, want } of POLICIES) {
      await t.step(name, async () => {
        const { code, log } = await tryPolicy(program.path, formatPolicy(want));
        assertEquals(code, 0, log);
      });
    }
    await t.step("none with a tag that it does not define", async () => {
      const text = formatPolicy({ clusterCidrs: CLUSTER, tags: TAGS });
      const spoilt = text.replace('"tag:headcni:*"', '"tag:other:*"');
      assert(spoilt !== text);
      const { code, log } = await tryPolicy(program.path, spoilt);
      assertEquals(code, 1, log);
      assertStringIncludes(log, "tag:other");
    });
  });
}

/** What a new Headscale with this policy says. */
async function tryPolicy(program: string, policy: string): Promise<{ code: number; log: string }> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await Deno.writeTextFile(join(folder, "policy.hujson"), policy);
    const config = JSON.stringify(configOf(folder, "127.0.0.1"));
    await Deno.writeTextFile(join(folder, "config.yaml"), config);
    const { code, stderr, stdout } = await new Deno.Command("timeout", {
      args: ["60", program, "configtest", "-c", join(folder, "config.yaml")],
      clearEnv: true,
      env: { HOME: folder, PATH: Deno.env.get("PATH") ?? "" },
    }).output();
    const decoder = new TextDecoder();
    return { code, log: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
