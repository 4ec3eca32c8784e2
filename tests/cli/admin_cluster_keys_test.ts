/** Keys that `headcni cluster` puts into a Secret of the release, and whose Secret that is. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { RecordedAnswer } from "../fakes/recorded_tools.ts";
import { changes, CHART, cluster, history } from "./workstation.ts";

const KEY = "Kq7vZt1xW9";

Deno.test("cluster upgrade: a new key takes none away that is in the Secret", async () => {
  const join = await Deno.makeTempFile();
  await Deno.writeTextFile(join, KEY);
  const helm = [{ match: "'history '*", stdout: history([1, "deployed"]) }];
  const keys = ["--auth-key-file", "-", "--join-key-file", join];
  const { code, stderr, calls } = await cluster(
    { helm, stdin: "other" },
    ...["upgrade", ...keys, ...CHART],
  );
  await Deno.remove(join);
  assertEquals(code, 0, stderr);
  const applied = calls.filter(({ args }) => args.includes("apply")).map(({ args, stdin }) => ({
    manager: args.find((arg) => arg.startsWith("--field-manager=")),
    data: JSON.parse(stdin).data,
  }));
  // What an apply leaves out, the API server takes away from the manager of before.
  assertEquals(applied, [
    { manager: "--field-manager=headcni-auth-key", data: { "auth-key": btoa("other") } },
    {
      manager: "--field-manager=headcni-tailscale-auth-key",
      data: { "tailscale-auth-key": btoa(KEY) },
    },
  ]);
});

/** What kubectl says of who manages the Secret. */
function managedBy(manager: string): RecordedAnswer {
  return { match: "*'get secrets'*managed-by*", stdout: `headcni-auth=${manager}` };
}

Deno.test("cluster install: a Secret that a person made does not become ours", async () => {
  for (const [manager, isOurs] of [["", false], ["argocd", false], ["headcni", true]] as const) {
    const { code, calls } = await cluster(
      { kubectl: [managedBy(manager)], stdin: KEY },
      ...["install", "--auth-key-file", "-", ...CHART],
    );
    const apply = calls.find(({ args }) => args.includes("apply"));
    const { metadata: { labels }, data } = JSON.parse(apply?.stdin ?? "");
    assertEquals([code, labels !== undefined, data], [0, isOurs, { "auth-key": btoa(KEY) }]);
  }
});

Deno.test("cluster install: a Secret that Helm would take away is not written", async () => {
  for (const dryRun of [[], ["--dry-run"]]) {
    const { code, stderr, calls } = await cluster(
      { kubectl: [managedBy("Helm")], stdin: KEY },
      ...["install", "--namespace", "kube-system", "--auth-key-file", "-", ...dryRun, ...CHART],
    );
    assertEquals([code, changes(calls).filter((call) => !call.includes("create"))], [2, []]);
    assertStringIncludes(stderr, 'Cannot write Secret "headcni-auth": the chart made it');
    assertStringIncludes(stderr, "config.headscale.authKey");
  }
});
