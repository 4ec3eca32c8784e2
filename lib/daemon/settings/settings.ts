/** The settings as the daemon uses them, and how it gets them. */
import type { SCHEMA } from "./schema.ts";
import type { ValuesOf } from "./setting.ts";

/**
 * Every setting with its value. Durations are `{ms}`, secrets show themselves only by `reveal()`,
 * networks are lists of at most one prefix a family.
 */
export type Settings = ValuesOf<typeof SCHEMA>;

/** Where a value comes from. */
export type Origin =
  | { readonly from: "flag" | "env"; readonly name: string }
  | { readonly from: "file"; readonly path: string; readonly line: number }
  | { readonly from: "default" };

/** Settings that can be used. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** By key, such as `network.mtu`. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** What works, but not as its writer may think: one text each. */
  readonly warnings: readonly string[];
  /** The file that was read; undefined when there is none. */
  readonly file: string | undefined;
  /** Where that file is, or would be looked for. */
  readonly path: string;
}
