/**
 * What the daemon does with the files of a node, once or many times, for tests that kill it.
 * Arguments: what to do, the folder that stands for the node, and `fixed` to give temporary files the
 * same names each time, so that strace can be told of them.
 */
import { assertBinaries } from "../../lib/daemon/binaries.ts";
import { assertConflist, restoreConflists } from "../../lib/daemon/conf_files.ts";
import { planConflist } from "../../lib/node/conflist.ts";

const [action = "", root = "", names = ""] = Deno.args;
const conf = [`${root}/net.d`];
const older = planConflist({ keys: { mtu: 1400 } });
const newer = planConflist({ keys: { mtu: 1380 } });
const CHANGES = 300;

const actions: Readonly<Record<string, () => unknown>> = {
  older: () => assertConflist(conf, older, { exclusive: true }),
  newer: () => assertConflist(conf, newer, { exclusive: true }),
  restore: () => restoreConflists(conf),
  binaries: () => assertBinaries(`${root}/bin`, `${root}/source`),
  toggle: () => {
    for (let i = 0; i < CHANGES; i++) {
      assertConflist(conf, i % 2 === 0 ? newer : older, { exclusive: true });
    }
  },
};

if (names === "fixed") crypto.randomUUID = () => "00000000-0000-4000-8000-000000000000";
try {
  await actions[action]?.();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exitCode = 1;
}
