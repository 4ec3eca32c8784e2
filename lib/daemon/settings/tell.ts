/** Settings for people to look at: what each is, and where it comes from. Never a secret. */
import { stringify } from "yaml";
import { redact } from "../../redact.ts";
import { isObject } from "../../schema.ts";
import { ENTRIES } from "./catalogue.ts";
import { formatOrigin } from "./given.ts";
import { Secret } from "./secret.ts";
import type { Origin, Settings } from "./settings.ts";

/** A setting with its value. */
export interface ToldSetting {
  readonly key: string;
  /** As it could be written in the file; null when nothing is set, and for a secret always. */
  readonly value: unknown;
  readonly isSet: boolean;
  readonly isSecret: boolean;
  /** `default`, `env POD_CIDR`, `flag --mtu`, `/etc/headcni/daemon.yaml:7`; the file of a secret before it. */
  readonly from: string;
}

/** Every setting, in the order of the schema. */
export function tellSettings(
  settings: Settings,
  origins: ReadonlyMap<string, Origin>,
): ToldSetting[] {
  return ENTRIES.map(({ key, setting }) => {
    const value = valueAt(settings, key);
    const isSet = value !== undefined;
    const told = isSet && !setting.isSecret ? redact(setting.kind.show(value)) : null;
    const from = formatOrigin(origins.get(key) ?? { from: "default" });
    const file = value instanceof Secret && value.file !== undefined ? `${value.file} by ` : "";
    return { key, value: told, isSet, isSecret: setting.isSecret, from: file + from };
  });
}

/** Keys whose values differ. Secrets are left out: each use reads them anew. */
export function changedKeys(before: Settings, after: Settings): string[] {
  const [old, now] = [before, after].map((settings) => tellSettings(settings, new Map()));
  return (old ?? []).flatMap(({ key, value, isSet }, index) => {
    const other = now?.[index];
    const isSame = isSet === other?.isSet && JSON.stringify(value) === JSON.stringify(other?.value);
    return isSame ? [] : [key];
  });
}

/** The settings as a file that could be read again, with the origin of each as a comment. */
export function formatSettings(told: readonly ToldSetting[]): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const each of told) {
    const parts = each.key.split(".");
    const sections = parts.slice(0, -1);
    const shared = sections.findIndex((name, index) => open[index] !== name);
    for (let depth = shared < 0 ? sections.length : shared; depth < sections.length; depth++) {
      lines.push(`${"  ".repeat(depth)}${sections[depth]}:`);
    }
    open = sections;
    lines.push(`${"  ".repeat(sections.length)}${parts.at(-1)}:${formatValue(each)}`);
  }
  return lines.join("\n");
}

/** What stands behind a key: the value, and where it comes from. */
function formatValue({ value, isSet, isSecret, from }: ToldSetting): string {
  if (!isSet) return " # (not set)";
  if (isSecret) return ` # (set, from ${from})`;
  const text = typeof value === "object" ? JSON.stringify(value) : stringify(value).trimEnd();
  return ` ${text} # ${from}`;
}

function valueAt(settings: Settings, key: string): unknown {
  return key.split(".").reduce<unknown>(
    (value, name) => isObject(value) ? value[name] : undefined,
    settings,
  );
}
