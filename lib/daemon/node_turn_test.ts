import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { listedHost } from "../../tests/fakes/listed_host.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { readNodeState } from "../attach/node_state.ts";
import { formatStep } from "../host/format.ts";
import type { PodCidrFinding } from "../node/computed_pod_cidr.ts";
import { parsePrefix } from "../net/prefix.ts";
import { turnNode } from "./node_turn.ts";
import { emptyReport } from "./report.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";
import type { Keeper } from "./upkeep.ts";

const ASSIGNED: PodCidrFinding = { cidrs: [parsePrefix("10.9.0.0/24")] };
const RULE = "ip rule add priority 5100 to 10.9.0.0/24 lookup 254";

/** A packet filter that has what is wanted. */
const KEEPER: Keeper = {
  setMasquerade: () => Promise.resolve([]),
  setForwardAccept: () => [],
  setMssClamp: () => [],
  findUnknownToFirewalld: () => [],
  removeTable: () => false,
};

/** What came of a turn. */
interface Turned {
  readonly failures: readonly string[];
  /** What the kernel was asked to do. */
  readonly steps: readonly string[];
  /** Warnings, and what is worse. */
  readonly log: string;
}

/** Turns of one daemon over a kernel that forgets each step at once. */
async function onNode(
  test: (node: {
    readonly traced: TracedNode;
    readonly report: ReturnType<typeof emptyReport>;
    readonly turn: (
      facts: { readonly apiServer: PodCidrFinding; readonly keeper?: Partial<Keeper> },
    ) => Promise<Turned>;
  }) => Promise<void>,
): Promise<void> {
  await using traced = await TracedNode.make();
  const { root } = traced;
  const steps: string[] = [];
  traced.openHost = () => ({
    ...listedHost([]),
    apply: (step) => void steps.push(formatStep(step)),
    uplinkMtuBytes: () => 1500,
    listAddresses: () => [],
    listRoutes: () => [],
    listRules: () => [],
    readSysctl: () => "0",
  });
  const env = {
    NODE_NAME: "edge-7",
    CNI_CONF_DIR: `${root}/conf`,
    HEADCNI_DATA_DIR: `${root}/data`,
    HEADCNI_RUN_DIR: `${root}/run`,
  };
  const loaded = loadSettings({ line: readFlags([]), env, defaultPath: `${root}/none` });
  const report = emptyReport();
  await test({
    traced,
    report,
    async turn({ apiServer, keeper }) {
      steps.splice(0);
      let failures: string[] = [];
      const upkeep = {
        attach: traced.context,
        keeper: { ...KEEPER, ...keeper },
        setLegacyForward: () => Promise.resolve([]),
        stores: [],
        unread: [],
      };
      const log = await logged("warn", async () => {
        const work = {
          ...{ loaded, upkeep, root: `${root}/machine`, executable: undefined, apiServer },
          tailnetDevice: undefined,
        };
        failures = await turnNode(work, report);
      });
      return { failures, steps: [...steps], log };
    },
  });
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path) !== undefined;
  } catch {
    return false;
  }
}

Deno.test("turnNode: files and datapath, and with them the network configuration", () =>
  onNode(async ({ traced: { root }, report, turn }) => {
    const { failures, steps } = await turn({ apiServer: ASSIGNED });
    assertEquals([failures, report.isConfigured], [[], true]);
    assert(steps.includes(RULE), steps.join("\n"));
    assertStringIncludes(Deno.readTextFileSync(`${root}/run/env.yaml`), "10.9.0.0/24");
    assert(exists(`${root}/conf/05-headcni.conflist`));
    assertEquals(report.repairs.get("conflist"), 1);
  }));

Deno.test("turnNode: a file that cannot be written keeps the network configuration back alone", () =>
  onNode(async ({ traced: { root }, report, turn }) => {
    Deno.mkdirSync(`${root}/run/env.yaml/x`, { recursive: true });
    const { failures, steps } = await turn({ apiServer: ASSIGNED });
    assertEquals(failures.map((text) => text.split(":")[0]), ["subnet file"]);
    assert(steps.includes(RULE), steps.join("\n"));
    assertEquals([report.isConfigured, exists(`${root}/conf/05-headcni.conflist`)], [false, false]);
  }));

Deno.test("turnNode: what the kernel refuses is told, and pods may come all the same", () =>
  onNode(async ({ traced: { root }, report, turn }) => {
    const setForwardAccept = () => {
      throw new Error("no luck");
    };
    const { failures } = await turn({ apiServer: ASSIGNED, keeper: { setForwardAccept } });
    assertEquals(failures, ["forward_accept: no luck"]);
    assertEquals([report.repairFailures, report.isConfigured], [1, true]);
    assert(exists(`${root}/conf/05-headcni.conflist`));
  }));

Deno.test("turnNode: without a network plugins are told why; what pods have is kept up", () =>
  onNode(async ({ traced, report, turn }) => {
    const told = () => readNodeState(`${traced.root}/run`, traced.bootId)?.problems;
    const unassigned = { apiServer: { fault: "nothing is assigned" } };
    assertEquals((await turn(unassigned)).steps, []);
    assertStringIncludes(told()?.join() ?? "", "nothing is assigned");
    await turn({ apiServer: ASSIGNED });
    assertEquals(told(), []);
    Deno.removeSync(`${traced.root}/data`, { recursive: true });
    const { steps } = await turn(unassigned);
    assertStringIncludes(told()?.join() ?? "", "nothing is assigned");
    assert(steps.includes(RULE), steps.join("\n"));
    assertEquals(report.inUse?.source, "api-server");
  }));

Deno.test("turnNode: a warning is logged when it comes, and told while it is true", () =>
  onNode(async ({ report, turn }) => {
    const findUnknownToFirewalld = () => [parsePrefix("10.9.0.0/24")];
    const closed = { apiServer: ASSIGNED, keeper: { findUnknownToFirewalld } };
    const first = await turn(closed);
    assertStringIncludes(first.log, "--zone=trusted --add-source=10.9.0.0/24");
    assertEquals(first.failures, [], "the node may be ready");
    assertEquals([(await turn(closed)).log, report.warnings.length], ["", 1]);
    await turn({ apiServer: ASSIGNED });
    assertEquals(report.warnings, []);
  }));
