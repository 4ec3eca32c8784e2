/** Real releases of Headscale read the policy that we print; `configtest` listens to nobody. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { formatPolicy } from "../../lib/mesh/policy.ts";
import { prefixes } from "../fakes/tailnet.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { findPeers, type Found } from "./peers.ts";

const RELEASES = ["0.29.2", "0.26.1", "0.25.1"] as const;

const CLUSTER = prefixes("10.244.0.0/16 fd00:10::/48");
const TAGS = ["tag:control-server", "tag:headcni"];

const POLICIES = [
  { name: "tags of nobody", want: { clusterCidrs: CLUSTER, tags: TAGS } },
  { name: "tags of a user", want: { clusterCidrs: CLUSTER, tags: TAGS, user: "k8s" } },
  { name: "one family", want: { clusterCidrs: CLUSTER.slice(1), tags: TAGS.slice(1) } },
];

for (const release of RELEASES) {
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

function findHeadscale(release: string): Found {
  const { path, missing } = findPeers(`headscale-${release}`);
  if (missing !== "") return { path, missing };
  const program = join(path, "headscale");
  try {
    Deno.statSync(program);
    return { path: program, missing: "" };
  } catch {
    return { path: "", missing: `needs headscale ${release}` };
  }
}

/** What a new Headscale with this policy says. */
async function tryPolicy(program: string, policy: string): Promise<{ code: number; log: string }> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await Deno.writeTextFile(join(folder, "policy.hujson"), policy);
    await Deno.writeTextFile(join(folder, "derp.yaml"), "regions: {}\n");
    await Deno.writeTextFile(join(folder, "config.yaml"), JSON.stringify(settings(folder)));
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

/** Just what each release asks for; nothing of it is fetched from elsewhere. */
function settings(folder: string): Record<string, unknown> {
  return {
    server_url: "http://127.0.0.1:1",
    listen_addr: "127.0.0.1:1",
    noise: { private_key_path: join(folder, "noise.key") },
    prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" },
    derp: {
      server: { enabled: false },
      ...{ urls: [], paths: [join(folder, "derp.yaml")], auto_update_enabled: false },
    },
    disable_check_updates: true,
    database: { type: "sqlite", sqlite: { path: join(folder, "db.sqlite") } },
    policy: { mode: "file", path: join(folder, "policy.hujson") },
    dns: { magic_dns: false, base_domain: "mesh.test", override_local_dns: false },
    unix_socket: join(folder, "headscale.sock"),
  };
}
