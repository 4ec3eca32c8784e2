/**
 * Registers a test that needs what not every machine has. Where something is missing the test is
 * skipped, and its name says why.
 * @param missing such as `needs root`; empty when nothing is.
 */
export function testUnless(
  missing: string,
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  const isMissing = missing !== "";
  Deno.test({ name: isMissing ? `${name} (skipped: ${missing})` : name, ignore: isMissing, fn });
}

/** Why tests of the kernel must be skipped; empty for root. */
export function missingRoot(): string {
  return Deno.uid() === 0 ? "" : "needs root";
}

/** Why tests of a program of Debian's must be skipped; empty when it is there. */
export function missingCommand(name: string): string {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.some((folder) => isThere(`${folder}/${name}`)) ? "" : `needs ${name}`;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
