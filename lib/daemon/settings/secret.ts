import { ConfigError, errorText } from "../../errors.ts";
import { REDACTED } from "../../redact.ts";

/** Longest file that holds a secret, in bytes: a key, not a picture. */
const MAX_SECRET_BYTES = 64 * 1024;

/**
 * A key of somebody else's. It shows itself to nobody who does not ask for it by name: not in JSON,
 * not in a text, not to `console.log`.
 */
export class Secret {
  readonly #text: string | undefined;
  /** The file that holds it, absolute; undefined when its text was given. */
  readonly file: string | undefined;

  private constructor(text: string | undefined, file: string | undefined) {
    this.#text = text;
    this.file = file;
  }

  /** A secret whose text is known. */
  static ofText(text: string): Secret {
    return new Secret(text, undefined);
  }

  /** A secret that is read from a file whenever it is needed, so that it can be replaced there. */
  static inFile(path: string): Secret {
    return new Secret(undefined, path);
  }

  /**
   * The secret itself, without white space around it.
   * @throws ConfigError when its file cannot be read, or nothing is in it.
   */
  reveal(): string {
    const text = (this.#text ?? readSecretFile(this.file ?? "")).trim();
    if (text !== "") return text;
    throw new ConfigError("invalid-config", `Cannot read secret "${this.file}": nothing is in it`);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return REDACTED;
  }
}

function readSecretFile(path: string): string {
  try {
    const { isFile, size } = Deno.statSync(path);
    // Opening a FIFO would wait for a writer, maybe for ever.
    if (!isFile) throw new Error("it is no regular file");
    if (size > MAX_SECRET_BYTES) throw new Error(`it has ${size} bytes`);
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new ConfigError("io-failure", `Cannot read secret "${path}": ${errorText(cause)}`, {
      cause,
    });
  }
}
