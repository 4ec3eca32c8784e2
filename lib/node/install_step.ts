/** The changes that an installation consists of, and how people are told of them. */
import type { InstallRecord } from "./install_record.ts";

/** What is at a path. */
export type Found =
  | { readonly kind: "absent" }
  | { readonly kind: "link"; readonly target: string }
  /** Without its text when that is long. */
  | { readonly kind: "file"; readonly text: string | undefined }
  | { readonly kind: "folder" }
  /** A device, a pipe or a socket. */
  | { readonly kind: "other" };

/** One change; each is whole or not there at all, whenever the process is killed. */
export type InstallStep =
  | { readonly kind: "make-folder"; readonly path: string; readonly mode: number }
  /** Keeps a copy of a file. */
  | { readonly kind: "save"; readonly path: string; readonly backup: string }
  /** Writes down what follows. */
  | { readonly kind: "record"; readonly path: string; readonly record: InstallRecord }
  /** Writes down that nothing is left to be done. */
  | { readonly kind: "complete"; readonly path: string; readonly record: InstallRecord }
  /** The program by which this runs, as a folder of its own. */
  | { readonly kind: "copy-release"; readonly folder: string; readonly from: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
    readonly kind: "write";
    readonly path: string;
    readonly text: string;
    readonly mode: number;
  }
  | { readonly kind: "put-back"; readonly path: string; readonly backup: string }
  /** A file or a link. */
  | { readonly kind: "remove"; readonly path: string }
  /** A folder with all that is in it. */
  | { readonly kind: "remove-all"; readonly path: string }
  /** A folder, unless something is left in it. */
  | { readonly kind: "remove-empty"; readonly path: string }
  | { readonly kind: "reload-units" }
  | { readonly kind: "enable-unit"; readonly unit: string }
  | { readonly kind: "restart-unit"; readonly unit: string };

/** A change as one line. */
export function formatInstallStep(step: InstallStep): string {
  switch (step.kind) {
    case "make-folder":
      return `${step.path}: made`;
    case "save":
      return `${step.path}: kept as ${step.backup}`;
    case "record":
      return `${step.path}: written`;
    case "complete":
      return `${step.path}: complete`;
    case "copy-release":
      return `${step.folder}: copied from ${step.from}`;
    case "link":
      return `${step.path}: linked to ${step.target}`;
    case "write":
      return `${step.path}: written`;
    case "put-back":
      return `${step.path}: it is back`;
    case "remove":
    case "remove-all":
    case "remove-empty":
      return `${step.path}: removed`;
    case "reload-units":
      return "systemctl daemon-reload";
    case "enable-unit":
      return `systemctl enable ${step.unit}`;
    case "restart-unit":
      return `systemctl restart ${step.unit}`;
  }
}
