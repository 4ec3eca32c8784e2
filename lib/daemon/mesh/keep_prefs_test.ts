import { assertEquals, assertRejects } from "@std/assert";
import { meshReport } from "../../../tests/fakes/mesh_report.ts";
import type { PrefsChange, TailnetPrefs } from "../../mesh/tailnet.ts";
import { planPrefs } from "../../mesh/wanted_prefs.ts";
import { formatPrefix, parsePrefix } from "../../net/prefix.ts";
import { keepPrefs } from "./keep_prefs.ts";
import { memoryPath, readMemory, updateMemory } from "./memory_file.ts";

const OLD = parsePrefix("10.244.1.0/24");
const NEW = parsePrefix("10.244.2.0/24");
const THEIRS = parsePrefix("192.0.2.0/24");

/** Runs `test` with a data directory that is gone afterwards. */
async function withDirectory(test: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await test(dataDir);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** What tailscaled is set to, advertising these. */
function prefsWith(...advertiseRoutes: readonly (typeof OLD)[]): TailnetPrefs {
  const { prefs } = meshReport().sight;
  if (!prefs) throw new Error("no preferences");
  return { ...prefs, advertiseRoutes };
}

function ours(dataDir: string): string[] {
  return readMemory(dataDir).advertised.map(formatPrefix);
}

/** A tailscaled that notes what is on the disk when it is told. */
function noting(dataDir: string, seen: string[][], have: TailnetPrefs) {
  return {
    editPrefs(change: PrefsChange): Promise<TailnetPrefs> {
      seen.push(ours(dataDir));
      return Promise.resolve({ ...have, ...change });
    },
  };
}

Deno.test("keepPrefs: what is ours is on the disk before tailscaled knows it, and after", async () => {
  await withDirectory(async (dataDir) => {
    const seen: string[][] = [];
    const first = prefsWith(THEIRS);
    const plan = planPrefs({ podCidrs: [OLD], mode: "host" }, first, []);
    assertEquals(await keepPrefs(noting(dataDir, seen, first), plan, first, dataDir), true);
    assertEquals([seen, ours(dataDir)], [[["10.244.1.0/24"]], ["10.244.1.0/24"]]);

    const second = prefsWith(THEIRS, OLD);
    const next = planPrefs(
      { podCidrs: [NEW], mode: "host" },
      second,
      readMemory(dataDir).advertised,
    );
    assertEquals(next.change.advertiseRoutes?.map(formatPrefix), ["192.0.2.0/24", "10.244.2.0/24"]);
    await keepPrefs(noting(dataDir, seen, second), next, second, dataDir);
    assertEquals([seen[1], ours(dataDir)], [["10.244.1.0/24", "10.244.2.0/24"], ["10.244.2.0/24"]]);
  });
});

Deno.test("keepPrefs: a tailscaled that refuses leaves the routes remembered as ours", async () => {
  await withDirectory(async (dataDir) => {
    const have = prefsWith();
    const plan = planPrefs({ podCidrs: [OLD], mode: "host" }, have, []);
    const api = { editPrefs: () => Promise.reject(new Error("it refuses")) };
    await assertRejects(() => keepPrefs(api, plan, have, dataDir), Error, "it refuses");
    assertEquals(ours(dataDir), ["10.244.1.0/24"]);
  });
});

Deno.test("keepPrefs: with nothing to change nothing is asked or written", async () => {
  await withDirectory(async (dataDir) => {
    const have = prefsWith(OLD);
    const plan = planPrefs({ podCidrs: [OLD], mode: "host" }, have, []);
    const api = { editPrefs: () => Promise.reject(new Error("it was asked")) };
    assertEquals(await keepPrefs(api, plan, have, dataDir), false);
    assertEquals(Array.from(Deno.readDirSync(dataDir)), []);
  });
});

Deno.test("updateMemory: keeps what another has changed meanwhile, and a broken file costs only itself", async () => {
  await withDirectory(async (dataDir) => {
    updateMemory(dataDir, (memory) => ({ ...memory, left: true }));
    updateMemory(dataDir, (memory) => ({ ...memory, advertised: [OLD] }));
    assertEquals([readMemory(dataDir).left, ours(dataDir)], [true, ["10.244.1.0/24"]]);
    const { mode } = await Deno.stat(memoryPath(dataDir));
    assertEquals((mode ?? 0) & 0o777, 0o600);
    await Deno.writeTextFile(memoryPath(dataDir), '{"version": 1');
    assertEquals(readMemory(dataDir).left, false);
  });
});
