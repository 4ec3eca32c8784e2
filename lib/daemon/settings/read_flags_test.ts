import { assertEquals } from "@std/assert";
import { formatFault } from "./given.ts";
import { readFlags } from "./read_flags.ts";
import { Secret } from "./secret.ts";

/** What a command line gives, as `key=raw`. */
function given(...args: string[]): string[] {
  return readFlags(args).given.map(({ key, raw }) =>
    `${key}=${raw instanceof Secret ? raw.file : raw}`
  );
}

function faults(...args: string[]): string[] {
  return readFlags(args).faults.map(formatFault);
}

Deno.test("readFlags: values behind a blank or an equals sign, the last counts", () => {
  assertEquals(given("--metrics-port", "1", "--pod-cidr=10.0.0.0/8", "--metrics-port=2"), [
    "monitoring.port=2",
    "network.podCIDR.base=10.0.0.0/8",
  ]);
  assertEquals(given("--timeout=5s", "--headscale-auth-key-file", "/k", "--pod-cidr="), [
    "headscale.timeout=5s",
    "headscale.authKey=/k",
  ]);
});

Deno.test("readFlags: what is on or off", () => {
  const rows: readonly [args: string[], value: string][] = [
    [["--enable-ipv6"], "true"],
    [["--enable-ipv6=false"], "false"],
    [["--enable-ipv6", "false"], "false"],
    [["--enable-ipv6", "--metrics-port=1"], "true"],
    [["--no-enable-ipv6"], "false"],
    [["--enable-ipv6", "--no-enable-ipv6"], "false"],
  ];
  for (const [args, value] of rows) {
    assertEquals(given(...args)[0], `network.enableIPv6=${value}`, args.join(" "));
    assertEquals(faults(...args), []);
  }
});

Deno.test("readFlags: what the daemon can be asked", () => {
  const rows: readonly [string[], string, string | undefined][] = [
    [[], "run", undefined],
    [["--config", "/c"], "run", "/c"],
    [["--config=/c", "--print-config"], "print-config", "/c"],
    ...["--help", "-h"].map((flag): [string[], string, undefined] => [[flag], "help", undefined]),
    ...["--version", "-V"].map((flag): [string[], string, undefined] => [
      ...[[flag], "version", undefined] satisfies [string[], string, undefined],
    ]),
  ];
  for (const [args, action, configPath] of rows) {
    const line = readFlags(args);
    assertEquals([line.action, line.configPath, line.faults], [action, configPath, []]);
  }
});

Deno.test("readFlags: tells every fault at once, and repeats no value of an unknown flag", () => {
  const told = faults(
    ...["--metrics-prot", "hs-key-7", "--metrics-port=x", "--bogus=hs-key-7", "hs-key-7"],
    ...["--headscale-auth-key", "hs-key-7", "--tailscale-auth-key=hs-key-7", "--no-metrics-port"],
    ...["--no-enable-ipv6=1", "--print-config=1", "-x", "--config"],
  );
  assertEquals(told, [
    "flag --metrics-prot: there is no such flag; did you mean --metrics-port?",
    'flag --metrics-port: monitoring.port: a port from 1 to 65535 wanted, got "x"',
    "flag --bogus: there is no such flag; --help lists all",
    "argument 5: a flag wanted",
    "flag --headscale-auth-key: headscale.authKey: no secret wanted where every user of the node " +
    "can read it; use --headscale-auth-key-file PATH or the variable HEADSCALE_AUTH_KEY",
    "flag --tailscale-auth-key: tailscale.authKey: no secret wanted where every user of the node " +
    "can read it; use --tailscale-auth-key-file PATH or the variable TAILSCALE_AUTH_KEY",
    "flag --no-metrics-port: there is no such flag; did you mean --metrics-port?",
    "flag --no-enable-ipv6: no value wanted",
    "flag --print-config: no value wanted",
    "argument 12: a flag wanted",
    "flag --config: a value wanted",
  ]);
});

Deno.test("readFlags: a flag without its value is a fault", () => {
  for (const args of [["--pod-cidr"], ["--pod-cidr", "--metrics-port=1"]]) {
    assertEquals(faults(...args), ["flag --pod-cidr: a value wanted"]);
  }
});
