import { assertEquals } from "@std/assert";
import { parseResolvConf } from "./resolv_conf.ts";

Deno.test("parseResolvConf: keywords, comments, repetitions", () => {
  const text = [
    "# made by hand",
    "nameserver 10.96.0.10  ; cluster",
    "nameserver\t2001:db8::53",
    "domain example.org",
    "search one.example",
    "search svc.cluster.local cluster.local",
    "options ndots:5",
    "  options timeout:2 rotate",
    "sortlist 10.0.0.0",
    "nameserver",
  ].join("\n");
  assertEquals(parseResolvConf(text), {
    nameservers: ["10.96.0.10", "2001:db8::53"],
    domain: "example.org",
    search: ["svc.cluster.local", "cluster.local"],
    options: ["ndots:5", "timeout:2", "rotate"],
  });
});

Deno.test("parseResolvConf: an empty file says nothing", () => {
  assertEquals(parseResolvConf("\n\n"), {});
});
