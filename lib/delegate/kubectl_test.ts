import { assertEquals, assertRejects } from "@std/assert";
import { RecordedTools } from "../../tests/fakes/recorded_tools.ts";
import { ClientError } from "../errors.ts";
import { Kubectl, kubectlError } from "./kubectl.ts";

Deno.test("Kubectl: names the cluster before everything, and hands words and input on", async () => {
  await using tools = await RecordedTools.make({ kubectl: [{ match: "*get*", stdout: "[1]" }] });
  const kubectl = new Kubectl({
    ...{ kubeconfig: "/a b", context: "$(x)", namespace: "net" },
    path: `${tools.path}:${Deno.env.get("PATH")}`,
  });
  assertEquals(await kubectl.get("count", ["pods"]), [1]);
  await kubectl.run("write", ["apply", "-f", "-"], { stdin: "a\nb" });
  const cluster = ["--kubeconfig=/a b", "--context=$(x)", "--namespace=net"];
  assertEquals(await tools.takeCalls(), [
    { tool: "kubectl", args: [...cluster, "get", "pods", "--output=json"], stdin: "" },
    { tool: "kubectl", args: [...cluster, "apply", "-f", "-"], stdin: "a\nb" },
  ]);
  await tools.answer("kubectl", [{ match: "*", stdout: "no JSON" }]);
  await assertRejects(() => kubectl.get("count", ["pods"]), ClientError, "kubectl printed no JSON");
});

Deno.test("kubectlError: the last line, what to do, and the lines before as details", () => {
  const stderr = "W0101 a warning\nError from server (Forbidden): nodes is forbidden";
  const { message, details } = kubectlError("list the nodes", { stdout: "", stderr, code: 1 });
  assertEquals(
    message,
    "Cannot list the nodes: nodes is forbidden; your user lacks that right: " +
      "ask for a role that has it",
  );
  assertEquals(details, "W0101 a warning");
  const log = 'E1127 20:23:40.425281   16657 memcache.go:265] "Unhandled Error"';
  const tried = { stdout: "", stderr: `${log}\nThe connection was refused\n${log}`, code: 1 };
  assertEquals(kubectlError("x", tried).message, "Cannot x: The connection was refused");
  assertEquals(kubectlError("x", tried).details, undefined);
  const silent = kubectlError("x", { stdout: "", stderr: "", code: 9 });
  assertEquals(silent.message, "Cannot x: kubectl ended with exit code 9");
});
