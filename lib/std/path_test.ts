import { assertEquals, assertThrows } from "@std/assert";
import { dirname, fromFileUrl, isAbsolute, join, normalize, resolve } from "@std/path";

const rows: readonly [call: string, actual: () => unknown, expected: unknown][] = [
  ["dirname of a file", () => dirname("/usr/lib/cni/headcni"), "/usr/lib/cni"],
  ["dirname with a trailing slash", () => dirname("/usr/lib/"), "/usr"],
  ["dirname below the root", () => dirname("/usr"), "/"],
  ["dirname of the root", () => dirname("/"), "/"],
  ["dirname of a lone name", () => dirname("headcni"), "."],
  ["dirname of nothing", () => dirname(""), "."],
  ["dirname with doubled slashes", () => dirname("/a//b"), "/a"],
  ["isAbsolute of /a", () => isAbsolute("/a"), true],
  ["isAbsolute of a", () => isAbsolute("a"), false],
  ["isAbsolute of nothing", () => isAbsolute(""), false],
  ["join of parts", () => join("/foo", "bar", "baz/asdf", "quux", ".."), "/foo/bar/baz/asdf"],
  ["join of nothing", () => join(), "."],
  ["join of empty parts", () => join("", "a", ""), "a"],
  ["join above the root", () => join("/", "..", "..", "a"), "/a"],
  ["join above a relative start", () => join("a", "../../b"), "../b"],
  ["join of an absolute later part", () => join("a", "/b"), "a/b"],
  ["normalize of dots", () => normalize("/foo/bar//baz/asdf/quux/.."), "/foo/bar/baz/asdf"],
  ["normalize keeps a trailing slash", () => normalize("a/b/../"), "a/"],
  ["normalize of nothing", () => normalize(""), "."],
  ["normalize of ./", () => normalize("./"), "./"],
  ["normalize of the root", () => normalize("//.."), "/"],
  ["resolve of relative segments", () => resolve("/foo/bar", "./baz"), "/foo/bar/baz"],
  ["resolve starts at the last absolute one", () => resolve("/foo", "/tmp/file/"), "/tmp/file"],
  ["resolve from the cwd", () => resolve("a", "..", "b"), `${Deno.cwd()}/b`],
  ["resolve of nothing", () => resolve(), Deno.cwd()],
  ["resolve skips empty segments", () => resolve("/a", "", "b"), "/a/b"],
  ["fromFileUrl of a text", () => fromFileUrl("file:///home/foo"), "/home/foo"],
  ["fromFileUrl of a URL", () => fromFileUrl(new URL("file:///a%20b")), "/a b"],
  ["fromFileUrl of a lone percent", () => fromFileUrl("file:///100%"), "/100%"],
];

for (const [call, actual, expected] of rows) {
  Deno.test(`${call.replace(" ", ": ")}`, () => assertEquals(actual(), expected));
}

Deno.test("fromFileUrl: another protocol is refused", () => {
  assertThrows(() => fromFileUrl("https://a.test/b"), TypeError, "file:");
});
