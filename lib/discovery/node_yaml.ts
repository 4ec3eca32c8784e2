/** YAML as Kubernetes, kubeadm and users write it: many documents, anchors, folded texts. */
import { parseAllDocuments } from "yaml";
import { ConfigError, errorText } from "../errors.ts";

/** More uses of anchors than this are no configuration but an attempt to fill the memory. */
const MAX_ALIASES = 100;

/**
 * Reads all documents of a file. Not for files that a plugin call reads: see `parsePlainYaml`.
 * @returns what JSON could say, too; null for an empty document.
 * @throws ConfigError `decode-failure` with the first thing that is wrong, in one line.
 */
export function readYamlDocuments(text: string): unknown[] {
  try {
    const documents = parseAllDocuments(text, { prettyErrors: false, logLevel: "silent" });
    return Array.from(documents, (document) => {
      for (const error of document.errors) throw error;
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
      return value;
    });
  } catch (error) {
    // Beside the library's own errors also RangeError (nested too deep) and ReferenceError.
    const [line = ""] = errorText(error).split("\n");
    throw new ConfigError("decode-failure", `no YAML: ${line}`, { cause: error });
  }
}
