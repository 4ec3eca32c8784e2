import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { takeOutput } from "./run_on_nodes.ts";
import { takeTarget } from "./target.ts";

Deno.test("takeTarget: without a node the line stays as it is, whatever is in it", () => {
  const args = ["ipam", "ls", "-n", "x", "--context=y", "--nodes"];
  assertEquals(takeTarget(args, {}), { target: undefined, rest: args });
});

Deno.test("takeTarget: takes out what says where, in both spellings and any place", () => {
  const { target, rest } = takeTarget(
    [
      "--node=a",
      "ipam",
      "ls",
      "-n",
      "net",
      "--node",
      "b",
      "--node=a",
      "--kubeconfig=/x=y",
      "-o",
      "json",
    ],
    { PATH: "/bin" },
  );
  assertEquals(rest, ["ipam", "ls", "-o", "json"]);
  assertEquals(target, {
    access: { namespace: "net", kubeconfig: "/x=y", context: undefined, path: "/bin" },
    releaseName: "headcni",
    nodes: ["a", "b"],
  });
});

Deno.test("takeTarget: all nodes, by a release of another name", () => {
  const { target, rest } = takeTarget(["status", "--all-nodes", "--release-name", "cni2"], {});
  assertEquals([target?.nodes, target?.releaseName, rest], [undefined, "cni2", ["status"]]);
});

Deno.test("takeTarget: refuses values that are missing, and some nodes with all", () => {
  for (const args of [["--node"], ["--node="], ["--node", "a", "--all-nodes"]]) {
    assertThrows(() => takeTarget(args, {}), ConfigError, "Cannot choose nodes", args.join(" "));
  }
});

Deno.test("takeOutput: nodes are asked for JSON where YAML is wanted", () => {
  const rows: readonly [line: string, output: string, asked: string][] = [
    ["status", "table", "status"],
    ["status -o json", "json", "status -o json"],
    ["status -oyaml --verbose", "yaml", "status -ojson --verbose"],
    ["status --output yaml", "yaml", "status --output json"],
    ["status --output=yaml", "yaml", "status --output=json"],
    ["logs --output-file yaml", "table", "logs --output-file yaml"],
  ];
  for (const [line, output, asked] of rows) {
    const taken = takeOutput(line.split(" "));
    assertEquals([taken.output, taken.line.join(" ")], [output, asked], line);
  }
});
