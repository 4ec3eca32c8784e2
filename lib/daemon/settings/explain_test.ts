import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../errors.ts";
import { ENTRIES } from "./catalogue.ts";
import { explainSettings } from "./explain.ts";

Deno.test("explainSettings: by key, section, older key, flag or variable", () => {
  const keys = (word: string) => explainSettings(word).map(({ key }) => key);
  for (const word of ["monitoring.port", "METRICS_PORT", "--metrics-port"]) {
    assertEquals(keys(word), ["monitoring.port"], word);
  }
  assertEquals(keys("daemon.logLevel"), ["logging.level"]);
  assertEquals(keys("headscale.authKeyFile"), ["headscale.authKey"]);
  assertEquals(keys("HEADSCALE_API_KEY_FILE"), ["headscale.authKey"]);
  assertEquals(keys("NODE_POD_CIDR"), ["network.podCIDR.nodeLocal"]);
  assertEquals(keys("logging.file"), [
    ...["logging.file.enabled", "logging.file.path", "logging.file.maxSize"],
    ...["logging.file.maxBackups", "logging.file.maxAge"],
  ]);
  assertEquals(keys("").length, ENTRIES.length);
});

Deno.test("explainSettings: tells all names", () => {
  assertEquals(explainSettings("tailscale.authKey"), [{
    key: "tailscale.authKey",
    doc: "pre-auth key with which the node joins",
    wanted: "the absolute path of a file",
    default: null,
    keys: ["tailscale.authKeyFile", "tailscale.authKey"],
    variables: ["TAILSCALE_AUTH_KEY", "TAILSCALE_AUTH_KEY_FILE", "TS_AUTHKEY", "TS_AUTHKEY_FILE"],
    lastVariables: [],
    flags: ["--tailscale-auth-key-file"],
  }]);
});

Deno.test("explainSettings: an unknown word, and what became of an older key", () => {
  const rows = [
    ["network.mtuu", "did you mean network.mtu?"],
    ["gcInterval", "did you mean ipam.gcInterval?"],
    ["bogus", "without a key all are told"],
    ["performance", "it does nothing: there is no pool, cache or limit to set"],
    ["__proto__", "there is no such setting"],
  ];
  for (const [word = "", text = ""] of rows) {
    assertThrows(() => explainSettings(word), ConfigError, text);
  }
});
