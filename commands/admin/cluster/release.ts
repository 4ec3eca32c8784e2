import * as v from "valibot";
import type { Helm } from "../../../lib/delegate/helm.ts";
import { ClientError } from "../../../lib/errors.ts";
import { parseWith } from "../../../lib/schema.ts";

/** A release as Helm has it. */
export interface Release {
  /** Counts its changes; what it was before can be brought back by it. */
  readonly revision: number;
  /** Such as `deployed`, `failed`, `pending-upgrade`. */
  readonly status: string;
  /** Name and version of the chart. */
  readonly chart: string;
  readonly appVersion: string;
}

const HistorySchema = v.pipe(
  v.array(v.object({
    revision: v.number(),
    status: v.string(),
    chart: v.optional(v.string(), ""),
    app_version: v.optional(v.string(), ""),
  })),
  v.minLength(1),
);

/**
 * The release of that name; undefined when there is none.
 * @throws ClientError when Helm cannot tell.
 */
export async function findRelease(helm: Helm, name: string): Promise<Release | undefined> {
  const { code, stdout, stderr } = await helm.try(["history", name, "--max=1", "--output=json"]);
  if (code !== 0 && /not found/i.test(stderr)) return undefined;
  if (code !== 0) {
    const seen = stderr.trim().replace(/^Error: /, "") || `exit code ${code}`;
    throw new ClientError("delegate-failure", `Cannot look for release "${name}": ${seen}`);
  }
  const [last] = parseWith(HistorySchema, JSON.parse(stdout), "Helm's history").slice(-1);
  return last && {
    revision: last.revision,
    status: last.status,
    chart: last.chart,
    appVersion: last.app_version,
  };
}

/** Arguments by which a release becomes what values say, those of before staying where none is said. */
export function upgradeArguments(
  name: string,
  chart: string,
  values: readonly string[],
): string[] {
  return [
    ...["upgrade", name, chart, "--install", "--reset-then-reuse-values", "--history-max=10"],
    // Later files win: the flags, which come by standard input, are last.
    ...values.map((file) => `--values=${file}`),
    "--values=-",
  ];
}
