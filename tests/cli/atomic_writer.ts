/**
 * A process that writes one file: `atomic_writer.ts PATH TEXT [fixed]`; `fixed` gives the unfinished
 * file the same name each time, so that strace can be told of it.
 */
import { writeAtomically } from "../../lib/daemon/atomic_file.ts";

const [path = "", text = "", names = ""] = Deno.args;
if (names === "fixed") crypto.randomUUID = () => "00000000-0000-4000-8000-000000000000";
writeAtomically(path, text, { mode: 0o600 });
