import { assertEquals, assertRejects } from "@std/assert";
import { configureLog } from "../log.ts";
import { type LegacyPlaces, setLegacyForward } from "./legacy_forward.ts";

/** An iptables of a node whose firewall drops nothing; tells its calls to a file. */
const SCRIPT = `#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
case "$*" in
--version) echo "iptables v1.8.9 (legacy)" ;;
*" FORWARD") echo "-P FORWARD ACCEPT" ;;
*) exit 1 ;;
esac
`;

/** Runs where table "filter" of ip_tables is in use for IPv4, and what is logged is in a file. */
async function onNode(
  run: (node: { folder: string; log: () => string[]; places: LegacyPlaces }) => Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "hct-legacy" });
  try {
    configureLog({ level: "warn", output: "none", file: `${folder}/log` });
    Deno.writeTextFileSync(`${folder}/tables`, "filter\n");
    await run({
      folder,
      log: () => Deno.readTextFileSync(`${folder}/log`).trim().split("\n"),
      places: {
        executables: { 4: [`${folder}/iptables-legacy`, `${folder}/iptables`], 6: [] },
        tableLists: { 4: `${folder}/tables`, 6: `${folder}/none` },
      },
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("setLegacyForward: a node without iptables is told of once, and is no failure", () =>
  onNode(async ({ log, places }) => {
    for (let turn = 0; turn < 3; turn++) assertEquals(await setLegacyForward([], places), []);
    assertEquals(log().length, 1);
  }));

Deno.test("setLegacyForward: looks for iptables until it is there, and again when it has gone", () =>
  onNode(async ({ folder, log, places }) => {
    assertEquals(await setLegacyForward([], places), []);
    Deno.writeTextFileSync(`${folder}/iptables`, SCRIPT, { mode: 0o755 });
    for (let turn = 0; turn < 2; turn++) assertEquals(await setLegacyForward([], places), []);
    const calls = Deno.readTextFileSync(`${folder}/calls`).trim().split("\n");
    assertEquals(calls.map((call) => call.split(" ").at(-1)), [
      "--version",
      ...["FORWARD", "HEADCNI-FORWARD"],
      ...["FORWARD", "HEADCNI-FORWARD"],
    ]);
    Deno.removeSync(`${folder}/iptables`);
    await assertRejects(() => setLegacyForward([], places), Deno.errors.NotFound);
    assertEquals(await setLegacyForward([], places), []);
    assertEquals(log().length, 2);
  }));
