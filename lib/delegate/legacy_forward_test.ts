import { assert, assertEquals, assertRejects } from "@std/assert";
import { HeadcniError } from "../errors.ts";
import { configureLog } from "../log.ts";
import { parsePrefix } from "../net/prefix.ts";
import { LegacyForward, type LegacyPlaces } from "./legacy_forward.ts";

/** An iptables of a node whose firewall drops nothing; tells its calls to a file. */
const SCRIPT = `#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
case "$*" in
--version) echo "iptables v1.8.9 (legacy)" ;;
*" FORWARD") echo "-P FORWARD ACCEPT" ;;
*) exit 1 ;;
esac
`;

/** The last words of the calls that look at the chains. */
const QUESTION = ["FORWARD", "HEADCNI-FORWARD"];

interface Node {
  readonly folder: string;
  readonly log: () => string[];
  /** The last words of the calls of iptables. */
  readonly calls: () => string[];
  readonly places: LegacyPlaces;
}

/** Runs where table "filter" of ip_tables is in use for IPv4, and what is logged is in a file. */
async function onNode(run: (node: Node) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "hct-legacy" });
  try {
    configureLog({ level: "warn", output: "none", file: `${folder}/log` });
    Deno.writeTextFileSync(`${folder}/tables`, "filter\n");
    await run({
      folder,
      log: () => Deno.readTextFileSync(`${folder}/log`).trim().split("\n"),
      calls: () =>
        tryRead(`${folder}/calls`).split("\n").filter((call) => call !== "")
          .map((call) => call.split(" ").at(-1) ?? ""),
      places: {
        executables: { 4: [`${folder}/iptables-legacy`, `${folder}/iptables`], 6: [] },
        tableLists: { 4: `${folder}/tables`, 6: `${folder}/none` },
      },
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("LegacyForward: a node without iptables is told of once, and is no failure", () =>
  onNode(async ({ log, places }) => {
    const legacy = new LegacyForward({ places });
    for (let turn = 0; turn < 3; turn++) assertEquals(await legacy.set([]), []);
    assertEquals(log().length, 1);
  }));

Deno.test("LegacyForward: plans without a change, and says what is missing for that", () =>
  onNode(async ({ folder, places, calls }) => {
    const podCidrs = [parsePrefix("10.9.0.0/24")];
    await assertRejects(() => new LegacyForward({ places }).plan(podCidrs), HeadcniError, "in use");
    const script = SCRIPT.replace("FORWARD ACCEPT", "FORWARD DROP");
    Deno.writeTextFileSync(`${folder}/iptables`, script, { mode: 0o755 });
    const lines = await new LegacyForward({ places }).plan(podCidrs);
    assert(lines.some((line) => line.includes("HEADCNI-FORWARD -s 10.9.0.0/24")), lines.join("\n"));
    assertEquals(calls().filter((call) => !QUESTION.includes(call)), ["--version"]);
  }));

Deno.test("LegacyForward: looks for iptables until it is there, and again when it has gone", () =>
  onNode(async ({ folder, log, places, calls }) => {
    let nowMs = 0;
    const legacy = new LegacyForward({ places, nowMs: () => nowMs });
    assertEquals(await legacy.set([]), []);
    Deno.writeTextFileSync(`${folder}/iptables`, SCRIPT, { mode: 0o755 });
    assertEquals(await legacy.set([]), []);
    assertEquals(calls(), ["--version", ...QUESTION]);
    Deno.removeSync(`${folder}/iptables`);
    nowMs += 120_000;
    await assertRejects(() => legacy.set([]), Deno.errors.NotFound);
    assertEquals(await legacy.set([]), []);
    assertEquals(log().length, 2);
  }));

Deno.test("LegacyForward: asks again after a while, and at once when something is another", () =>
  onNode(async ({ folder, places, calls }) => {
    let nowMs = 0;
    Deno.writeTextFileSync(`${folder}/iptables`, SCRIPT, { mode: 0o755 });
    const legacy = new LegacyForward({ places, nowMs: () => nowMs });
    /** What is asked by one pass. */
    const asked = async (podCidrs: readonly string[]) => {
      const before = calls().length;
      await legacy.set(podCidrs.map(parsePrefix));
      return calls().slice(before);
    };
    assertEquals(await asked(["10.9.0.0/24"]), ["--version", ...QUESTION]);
    nowMs += 119_999;
    assertEquals(await asked(["10.9.0.0/24"]), []);
    assertEquals(await asked(["10.10.0.0/24"]), QUESTION);
    assertEquals(await asked(["10.10.0.0/24"]), []);
    nowMs += 120_000;
    assertEquals(await asked(["10.10.0.0/24"]), QUESTION);
    for (const tables of ["nat\n", "filter\n"]) {
      Deno.writeTextFileSync(places.tableLists[4], tables);
      assertEquals(await asked(["10.10.0.0/24"]), tables === "nat\n" ? [] : QUESTION, tables);
    }
  }));

Deno.test("LegacyForward: what was changed, or failed, is asked for again at once", () =>
  onNode(async ({ folder, places, calls }) => {
    const legacy = new LegacyForward({ places, nowMs: () => 0 });
    const script = SCRIPT.replace("-P FORWARD ACCEPT", "-P FORWARD DROP");
    Deno.writeTextFileSync(`${folder}/iptables`, script, { mode: 0o755 });
    Deno.writeTextFileSync(`${folder}/iptables-restore`, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    const cidrs = [parsePrefix("10.9.0.0/24")];
    for (let turn = 0; turn < 2; turn++) assert((await legacy.set(cidrs)).length > 0);
    Deno.writeTextFileSync(`${folder}/iptables-restore`, "#!/bin/sh\nexit 4\n", { mode: 0o755 });
    for (let turn = 0; turn < 2; turn++) {
      const before = calls().length;
      await assertRejects(() => legacy.set(cidrs), HeadcniError, "iptables-restore");
      assert(calls().length > before);
    }
  }));

function tryRead(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
