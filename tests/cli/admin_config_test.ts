/** What `headcni config` prints, as a person wrote it down. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { AdminNode } from "./admin_node.ts";
import { assertGolden } from "./golden.ts";

const FIXTURES = new URL("../fixtures/daemon/", import.meta.url);

/** A node with a file of settings. */
async function nodeWith(name: string): Promise<AdminNode> {
  const node = await AdminNode.make();
  await Deno.mkdir(`${node.root}/etc/headcni`, { recursive: true });
  const text = await Deno.readTextFile(new URL(name, FIXTURES));
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, text, { mode: 0o644 });
  return node;
}

for (const output of ["table", "json"]) {
  Deno.test(`headcni config validate: a faulty file, as ${output}`, async () => {
    await using node = await nodeWith("faulty.yaml");
    const { code, stdout, stderr } = await node.run("config", "validate", "-o", output);
    await assertGolden(`config-validate-${output}`, stdout, { ROOT: node.root });
    const path = `${node.root}/etc/headcni/daemon.yaml`;
    assertEquals([code, stderr], [2, `headcni: Cannot use "${path}": 6 faults\n`]);
  });

  Deno.test(`headcni config show: the file of the older chart and variables, as ${output}`, async () => {
    await using node = await nodeWith("helm-values.yaml");
    Object.assign(node.env, { HEADSCALE_AUTH_KEY: "k", TAILSCALE_TAGS: "tag:a,tag:b" });
    const { code, stdout, stderr } = await node.run("config", "show", "-o", output);
    assertEquals([code, stderr], [0, ""]);
    await assertGolden(`config-show-${output}`, stdout, { ROOT: node.root });
  });

  Deno.test(`headcni config explain: a section, as ${output}`, async () => {
    await using node = await AdminNode.make();
    const { code, stdout, stderr } = await node.run(
      "config",
      "explain",
      "monitoring",
      "-o",
      output,
    );
    assertEquals([code, stderr], [0, ""]);
    await assertGolden(`config-explain-${output}`, stdout);
  });
}

Deno.test("headcni config validate: a sound file, and one that is not there", async () => {
  await using node = await nodeWith("helm-values.yaml");
  const path = `${node.root}/etc/headcni/daemon.yaml`;
  assertEquals(await node.run("config", "validate"), {
    ...{ code: 0, stdout: `${path}: sound\n`, stderr: "" },
  });
  const { code, stdout } = await node.run("config", "validate", `${node.root}/none`);
  assertEquals([code, stdout], [2, `${node.root}/none: there is no such file\n`]);
});

Deno.test("headcni config show: a faulty file is not shown", async () => {
  await using node = await nodeWith("faulty.yaml");
  const { code, stdout, stderr } = await node.run("config", "show");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "Cannot use the settings of the daemon: 6 faults\n");
  assertStringIncludes(stderr, "did you mean network.mtu?");
});
