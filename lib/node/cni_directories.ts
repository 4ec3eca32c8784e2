/** Where the runtimes of a node look for network configurations and for plugins. */

/** The folders of one runtime, or of several that share the first. */
export interface CniDirectories {
  /** Names of the runtimes, for logs. */
  readonly runtimes: readonly string[];
  readonly confDirectory: string;
  /** At least one; the first that can be written gets our executables. */
  readonly binDirectories: readonly string[];
}

/** The settings of one runtime as text, without those that are not there. */
export type RuntimeFiles = ReadonlyMap<string, string>;
