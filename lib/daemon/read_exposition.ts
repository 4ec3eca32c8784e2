/** Reads the text format of Prometheus, version 0.0.4, as far as a daemon of ours writes it. */
import { ClientError } from "../errors.ts";

/** One number. */
export interface ReadSample {
  /** With `_bucket`, `_sum` or `_count` where it is part of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** As it was written. */
  readonly line: string;
}

/** A metric with its numbers. */
export interface ReadFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ReadSample[];
}

/**
 * Reads all families, in their order.
 * @throws ClientError that names the line which is none.
 */
export function parseExposition(text: string): ReadFamily[] {
  const families: (ReadFamily & { help: string; type: string; samples: ReadSample[] })[] = [];
  const familyOf = (name: string) => {
    const last = families.at(-1);
    if (last?.name === name) return last;
    const family = { name, help: "", type: "untyped", samples: [] };
    families.push(family);
    return family;
  };
  for (const line of text.split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (kind === "HELP") familyOf(name).help = unescape(rest);
    else if (kind === "TYPE") familyOf(name).type = rest;
    else if (line.trim() !== "" && !line.startsWith("#")) {
      const sample = parseSample(line);
      const last = families.at(-1);
      const isOfLast = last && sample.name.replace(/_(bucket|sum|count)$/, "") === last.name;
      (isOfLast ? last : familyOf(sample.name)).samples.push(sample);
    }
  }
  return families;
}

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)",?/g;

function parseSample(line: string): ReadSample {
  const [, name, labels = "", number = ""] = SAMPLE.exec(line) ?? [];
  if (name === undefined) {
    throw new ClientError(
      "decode-failure",
      `Cannot read the metrics: "${line.slice(0, 80)}" is no line of theirs`,
    );
  }
  const pairs = Array.from(
    labels.matchAll(LABEL),
    ([, key = "", value = ""]) => [key, unescape(value)] as const,
  );
  return { name, labels: Object.fromEntries(pairs), value: parseNumber(number), line };
}

function parseNumber(text: string): number {
  return Number(text.replace(/^([+-]?)Inf$/, "$1Infinity"));
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, char) => char === "n" ? "\n" : char);
}
