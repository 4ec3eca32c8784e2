import { assertEquals } from "@std/assert";
import { linkNameFault } from "./link.ts";

Deno.test("linkNameFault: undefined for names that the kernel takes", () => {
  for (const name of ["lo", "eth0", "headcni0", "a.b", "...", "x".repeat(15), "\u00e9".repeat(7)]) {
    assertEquals(linkNameFault(name), undefined, name);
  }
});

Deno.test("linkNameFault: why a name is refused; its length counts in bytes", () => {
  const faults = [
    ["", "is empty"],
    ["x".repeat(16), "is too long"],
    ["\u00e9".repeat(8), "is too long"],
    [".", "is . or .."],
    ["..", "is . or .."],
    ["a/b", "contains / or : or whitespace characters"],
    ["a:b", "contains / or : or whitespace characters"],
    ["a b", "contains / or : or whitespace characters"],
    ["eth%d", "contains %, which the kernel replaces by a number"],
  ] as const;
  for (const [name, fault] of faults) assertEquals(linkNameFault(name), fault, name);
});
