/** `headcni ipam gc`: frees the leases of pods that two proofs call dead. */
import { type Command, Option } from "commander";
import { collectDead, DEFAULT_GRACE_MS, type Judged } from "../../../lib/attach/collect_dead.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { pluginContext } from "../../context.ts";
import { logByHand } from "../../logged.ts";
import { parseDuration } from "../duration_option.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { visitPresentStores } from "../stores.ts";
import { formatPod, formatTable } from "../table.ts";
import { formatAddresses, type InStore, type LeaseView, viewLease } from "./lease_view.ts";
import { reportProgress } from "./progress.ts";
import { addVerb, type VerbOptions } from "./verb.ts";

/** What `headcni ipam gc` is told. */
interface GcOptions extends VerbOptions {
  readonly dryRun?: true;
  /** In milliseconds. */
  readonly grace: number;
}

/** What was found, as `--output json` prints it. */
interface GcReport {
  /** True when nothing was freed. */
  readonly dryRun: boolean;
  /** Leases of dead pods, freed unless `dryRun`. */
  readonly freed: readonly (InStore<LeaseView> & { readonly proofs: readonly string[] })[];
  /** Leases of dead pods that could not be freed. */
  readonly failed: readonly (InStore<LeaseView> & { readonly failure: string })[];
  readonly kept: readonly (InStore<LeaseView> & { readonly reason: string })[];
}

const HELP = `
A lease is freed when its network namespace is gone and one more thing proves its pod dead: it was
made before the machine started, its host link is gone, or the runtime has no result of it.

JSON: {"dryRun", "freed": [as of "ls", and "proofs": [text]], "failed": [and "failure"],
  "kept": [and "reason"]}

Examples:
  headcni ipam gc --dry-run
  headcni ipam gc --network pods --grace 30m`;

/** Adds the verb `gc`. */
export function addGc(ipam: Command, env: Environment): void {
  addVerb(ipam, "gc", "free the addresses of pods that are proven dead")
    .option("--dry-run", "tell only what would be freed")
    .addOption(
      new Option("--grace <duration>", "how old a lease of this boot must be, such as 90s or 1h")
        .argParser(parseDuration).default(DEFAULT_GRACE_MS, "5m"),
    )
    .addHelpText("after", HELP)
    .action(async (options: GcOptions) => {
      const report = await collect(options, env);
      await print(options.output, report, (screen) => formatReport(report, screen));
      const [first] = report.failed;
      if (!first) return;
      throw new HeadcniError(
        "try-again",
        `Cannot free ${report.failed.length} of the leases: ${first.failure}`,
      );
    });
}

async function collect(options: GcOptions, env: Environment): Promise<GcReport> {
  const { grace: graceMs, network, dryRun = false } = options;
  const context = pluginContext(env);
  logByHand(context);
  const judged = await visitPresentStores(options.store, env, async (store) => {
    const all = await collectDead(store, context, {
      graceMs,
      dryRun,
      onProgress: reportProgress("Freeing leases"),
      ...network !== undefined && { network },
    });
    return all.map((one) => toOutcome(one, store.directory));
  }, { mayUseBallast: true });
  const outcomes = judged.flat();
  const freed = outcomes.filter((one) => "proofs" in one);
  const failed = outcomes.filter((one) => "failure" in one);
  const kept = outcomes.filter((one) => "reason" in one);
  if (!dryRun) {
    log.info("Done", {
      ...{ verb: "ipam gc", network, freed: freed.length, failed: failed.length },
      kept: kept.length,
    });
  }
  return { dryRun, freed, failed, kept };
}

/** What became of a lease. */
type Outcome = GcReport["freed" | "failed" | "kept"][number];

function toOutcome({ lease, judgement, failure }: Judged, store: string): Outcome {
  const view = { store, ...viewLease(lease) };
  if (!judgement.dead) return { ...view, reason: judgement.reason };
  return failure === undefined ? { ...view, proofs: judgement.proofs } : { ...view, failure };
}

function formatReport({ dryRun, freed, failed, kept }: GcReport, screen: Screen): string {
  const rows = [
    ...freed.map((one) => row(one, dryRun ? "would be freed" : "freed", one.proofs.join(", "))),
    ...failed.map((one) => row(one, "failed", one.failure)),
    ...kept.map((one) => row(one, "kept", one.reason)),
  ];
  const table = rows.length > 0 ? [formatTable(HEADINGS, rows, screen)] : [];
  const verb = dryRun ? "Would free" : "Freed";
  const leases = `${freed.length} lease${freed.length === 1 ? "" : "s"}`;
  return [...table, `${verb} ${leases}, left ${kept.length + failed.length}.`].join("\n\n");
}

const HEADINGS = ["ADDRESS", "NETWORK", "POD", "OUTCOME", "WHY"];

function row(lease: LeaseView, outcome: string, why: string): string[] {
  return [formatAddresses(lease), lease.network, formatPod(lease.pod), outcome, why];
}
