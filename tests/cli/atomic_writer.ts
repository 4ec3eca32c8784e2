/** A process that writes one file: `atomic_writer.ts PATH TEXT`. */
import { writeAtomically } from "../../lib/daemon/atomic_file.ts";

const [path = "", text = ""] = Deno.args;
writeAtomically(path, text, { mode: 0o600 });
