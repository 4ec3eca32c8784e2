import { assertEquals } from "@std/assert";
import { flagsOf, splitWords, unitWords } from "./flags.ts";

Deno.test("flagsOf: both spellings, flags of flags, and words that are none", () => {
  const words = ["kube-x", "--a=1", "--b", "2", "3", "--c", "--d", "--e=", "-f", "g", "--h"];
  assertEquals(flagsOf(words), [
    ["a", "1"],
    ["b", "2"],
    ["c", ""],
    ["d", ""],
    ["e", ""],
    ["h", ""],
  ]);
  assertEquals(
    flagsOf(["--kubelet-arg=pod-cidr=10.0.0.0/24", "--kube-proxy-arg", "cluster-cidr=10.0.0.0/8"]),
    [["pod-cidr", "10.0.0.0/24"], ["cluster-cidr", "10.0.0.0/8"]],
  );
});

Deno.test("splitWords: quotes keep white space and are dropped", () => {
  assertEquals(splitWords(""), []);
  assertEquals(splitWords(` a  '--b=c d'\t"e f" g'h i'"j" `), ["a", "--b=c d", "e f", "gh ij"]);
});

Deno.test("unitWords: the commands of a unit, over lines that end with a backslash", () => {
  const unit = "[Service]\nEnvironment=A=--no\nExecStartPre=-/sbin/modprobe br_netfilter\n" +
    "ExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--cluster-cidr' \\\n\t'10.42.0.0/16' \\\n\n";
  assertEquals(unitWords(unit), ["/usr/local/bin/k3s", "server", "--cluster-cidr", "10.42.0.0/16"]);
  assertEquals(unitWords("[Unit]\n"), []);
});
