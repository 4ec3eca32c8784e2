import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { boolean, choice, duration, integer, type Kind, list, text } from "./kind.ts";
import {
  address,
  chainedPlugins,
  fileName,
  linkName,
  nodeLengths,
  nodeName,
  path,
  prefixes,
  url,
} from "./node_kinds.ts";

const port = integer("PORT", "a port", 1, 65_535);
const span = duration("1s");
const color = choice(["red", "green"], { rot: "red" });
const words = list(text("WORD", "a word", /^[a-z]+$/), "words");

/** What a kind takes, and how it writes it again. */
const good: readonly [kind: Kind<unknown>, name: string, rows: readonly [unknown, unknown][]][] = [
  [boolean, "boolean", [
    ...[true, "true", "True", "yes", "ON", "1", 1].map((raw): [unknown, unknown] => [raw, true]),
    ...[false, "false", "no", "OFF", "0", 0].map((raw): [unknown, unknown] => [raw, false]),
  ]],
  [port, "integer", [[1, 1], ["65535", 65_535], ["0080", 80]]],
  [
    span,
    "duration",
    [
      ...[["90s", "90s"], [90, "90s"], ["90", "90s"], ["1h30m", "90m"], ["1500ms", "1500ms"]],
      ...[["2d", "48h"], ["1w", "168h"], [1.5, "1500ms"]],
    ].map(([raw, shown]): [unknown, unknown] => [raw, shown]),
  ],
  [color, "choice", [["red", "red"], ["rot", "red"]]],
  [words, "list", [["a, b,", ["a", "b"]], [["a"], ["a"]], ["", []], [[], []]]],
  [path, "path", [["/a/b", "/a/b"], ["/", "/"], ["/a..b", "/a..b"]]],
  [fileName, "fileName", [["05-headcni.conflist", "05-headcni.conflist"]]],
  [linkName, "linkName", [["headcni0", "headcni0"]]],
  [nodeName, "nodeName", [["worker-1", "worker-1"], ["a.b", "a.b"], ["1", "1"]]],
  [url, "url", [["https://hs.example.org:8080/a", "https://hs.example.org:8080/a"]]],
  [address, "address", [["127.0.0.1", "127.0.0.1"], ["::", "::"]]],
  [prefixes, "prefixes", [
    ["10.244.0.0/16", "10.244.0.0/16"],
    ["10.244.0.0/16, fd00::/56", "10.244.0.0/16,fd00::/56"],
    [["fd00::/56", "10.0.0.0/8"], "fd00::/56,10.0.0.0/8"],
  ]],
  [
    nodeLengths,
    "nodeLengths",
    [
      ...[["/24", "/24,/64"], [25, "/25,/64"], ["/80", "/24,/80"], ["/26,/72", "/26,/72"]],
      ...[["/72,/26", "/26,/72"], [["/26", 72], "/26,/72"]],
    ].map(([raw, shown]): [unknown, unknown] => [raw, shown]),
  ],
  [chainedPlugins, "chainedPlugins", [
    ["[]", []],
    [[{ name: "portmap" }], [
      { name: "portmap", enabled: true, priority: 0, config: { type: "portmap" } },
    ]],
    [[{ name: "limits", enabled: "no", priority: "2", config: '{"type":"bandwidth"}' }], [
      { name: "limits", enabled: false, priority: 2, config: { type: "bandwidth" } },
    ]],
  ]],
];

for (const [kind, name, rows] of good) {
  Deno.test(`${name}: takes what users write, and shows it so that it is taken again`, () => {
    for (const [raw, shown] of rows) {
      const value = v.parse(kind.schema, raw);
      assertEquals(kind.show(value), shown, JSON.stringify(raw));
      assertEquals(kind.show(v.parse(kind.schema, shown)), shown);
    }
  });
}

const HOSTILE: readonly unknown[] = [
  ...[null, {}, NaN, "\0", "a\nb", "../..", "x".repeat(10_000), { __proto__: { length: 1 } }],
  ...[Infinity, -1, "-1", "constructor", "__proto__", "toString", [[]], [null]],
];

const bad: readonly [kind: Kind<unknown>, name: string, raws: readonly unknown[]][] = [
  [boolean, "boolean", ["maybe", 2, "", ...HOSTILE]],
  [port, "integer", [0, 65_536, 1.5, "1e3", "0x50", " 1", "", ...HOSTILE]],
  [span, "duration", ["999ms", 0, "1 s", "25d", "9999y", "", "-5s", ...HOSTILE]],
  [color, "choice", ["blue", "Red", "", ...HOSTILE]],
  [path, "path", ["a", "./a", "/a/../b", "", ...HOSTILE]],
  [fileName, "fileName", ["a/b", ".hidden", "", "..", ...HOSTILE.filter(isNoWord)]],
  [linkName, "linkName", ["sixteen-letters0", "a/b", "eth%d", "", ...HOSTILE.filter(isNoWord)]],
  [nodeName, "nodeName", ["Worker", "-a", "a-", "a..b", "a/b", "", ...HOSTILE.filter(isNoWord)]],
  [url, "url", ["ftp://a", "a", "https://u:p@h", "https://u@h", "", ...HOSTILE]],
  [address, "address", ["10.0.0", "10.0.0.256", "fe80::1%eth0", "", ...HOSTILE]],
  [prefixes, "prefixes", [
    ...["10.244.0.1/16", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/8,11.0.0.0/8", "", ...HOSTILE],
    ...[["10.0.0.0/8", "fd00::/8", "fd01::/16"], []],
  ]],
  [nodeLengths, "nodeLengths", ["/0", "/129", "/24,/25", "/64,/65", "24x", "", ...HOSTILE]],
  [chainedPlugins, "chainedPlugins", [
    ...["portmap", "{", {}, [{}], [{ name: "a", prio: 1 }], [{ name: "a/b" }]],
    ...[[{ name: "a", config: "[]" }], [{ name: "a", config: { type: "../../bin/sh" } }]],
    ...[[{ name: "a", config: { type: 1 } }], [{ name: "a", priority: -1 }]],
  ]],
];

function isNoWord(raw: unknown): boolean {
  return typeof raw !== "string" || !/^[-a-z0-9_]+$/i.test(raw) || raw.length > 255;
}

for (const [kind, name, raws] of bad) {
  Deno.test(`${name}: refuses what is none`, () => {
    for (const raw of raws) {
      assertEquals(v.safeParse(kind.schema, raw).success, false, JSON.stringify(raw));
    }
  });
}
