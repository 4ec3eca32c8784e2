/**
 * HTTP/1.1 on a unix socket, one request a connection: RFC 9112. Not by fetch, which names a server in
 * its request line, where tailscaled finds an address that it does not want; and which looks a name up
 * though a socket is asked, for seconds where no name server answers.
 */
import { concat } from "@std/bytes";

/** A request. */
export interface UnixRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** What the server wants to be called. */
  readonly host: string;
  /** JSON; none when absent. */
  readonly body?: string | undefined;
}

/** An answer, of which the head has been read. */
export interface UnixAnswer {
  readonly status: number;
  /** To be read, or cancelled; its end closes the connection. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What answers is no HTTP. */
export class HttpSyntaxError extends Error {
  override readonly name = "HttpSyntaxError";
}

/** Longest line of a head, and of all of them together, in bytes. */
const MAX_HEAD_BYTES = 64 * 1024;
const READ_BYTES = 16 * 1024;
const LINE_FEED = 0x0a;

/**
 * Asks a server, and reads the head of its answer.
 * @param signal closes the connection, also while the body is read.
 * @throws HttpSyntaxError, the reason of the signal, or what the system says.
 */
export async function askUnix(
  socket: string,
  request: UnixRequest,
  signal: AbortSignal,
): Promise<UnixAnswer> {
  signal.throwIfAborted();
  const connection = await Deno.connect({ transport: "unix", path: socket });
  const reader = new AnswerReader(connection, signal);
  try {
    await reader.send(formatRequest(request));
    const { status, fields } = await readHead(reader);
    return { status, body: ReadableStream.from(bodyOf(reader, status, fields)) };
  } catch (error) {
    reader.close();
    throw reader.reasonOf(error);
  }
}

function formatRequest({ method, target, host, body }: UnixRequest): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(body ?? "");
  const head = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: close",
    ...method === "GET" ? [] : [`Content-Length: ${bytes.length}`],
    ...body === undefined ? [] : ["Content-Type: application/json"],
  ];
  return concat([new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}

interface Head {
  readonly status: number;
  /** By their names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
}

async function readHead(reader: AnswerReader): Promise<Head> {
  const first = await reader.line();
  const status = /^HTTP\/1\.[01] ([1-5][0-9]{2})( |$)/.exec(first)?.[1];
  if (status === undefined) throw new HttpSyntaxError(`"${first.slice(0, 80)}" is no status line`);
  const fields = new Map<string, string>();
  for (let line = await reader.line(); line !== ""; line = await reader.line()) {
    const [, name = "", value = ""] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
    fields.set(name.toLowerCase(), value);
    if (fields.size > 1_000) throw new HttpSyntaxError("its head has no end");
  }
  return { status: Number(status), fields };
}

/** RFC 9112 section 6.3. */
async function* bodyOf(
  reader: AnswerReader,
  status: number,
  fields: Head["fields"],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    if (status === 204 || status === 304) return;
    const length = fields.get("content-length");
    if (fields.get("transfer-encoding")?.toLowerCase() === "chunked") yield* chunksOf(reader);
    else if (length === undefined) yield* reader.rest();
    else yield* reader.bytes(parseLength(length, 10));
  } catch (error) {
    throw reader.reasonOf(error);
  } finally {
    reader.close();
  }
}

/** RFC 9112 section 7.1; what a trailer says is of no account, for the connection ends with it. */
async function* chunksOf(reader: AnswerReader): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (;;) {
    const [size = ""] = (await reader.line()).split(";");
    const length = parseLength(size.trim(), 16);
    if (length === 0) return;
    yield* reader.bytes(length);
    await reader.line();
  }
}

function parseLength(text: string, radix: 10 | 16): number {
  const isGood = radix === 10 ? /^[0-9]{1,12}$/ : /^[0-9A-Fa-f]{1,8}$/;
  if (!isGood.test(text)) throw new HttpSyntaxError(`"${text.slice(0, 80)}" is no length`);
  return parseInt(text, radix);
}

/** The bytes of a connection, by lines and by number. */
class AnswerReader {
  readonly #connection: Deno.Conn;
  readonly #signal: AbortSignal;
  readonly #close = () => this.close();
  #held = new Uint8Array();
  #isClosed = false;

  constructor(connection: Deno.Conn, signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
    signal.addEventListener("abort", this.#close, { once: true });
    if (signal.aborted) this.close();
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /** Without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf(LINE_FEED);
      if (end >= 0) {
        const line = new TextDecoder().decode(this.#take(end + 1));
        return line.replace(/\r?\n$/, "");
      }
      if (this.#held.length > MAX_HEAD_BYTES) throw new HttpSyntaxError("a line has no end");
      this.#held = concat([this.#held, await this.#expect()]);
    }
  }

  /** As many, as they come. */
  async *bytes(count: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let left = count; left > 0;) {
      if (this.#held.length === 0) this.#held = await this.#expect();
      const part = this.#take(Math.min(left, this.#held.length));
      left -= part.length;
      yield part;
    }
  }

  /** All that comes until the server closes. */
  async *rest(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (this.#held.length > 0) yield this.#take(this.#held.length);
    for (let part = await this.#read(); part; part = await this.#read()) yield part;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal.removeEventListener("abort", this.#close);
    this.#connection.close();
  }

  /** Why it failed: a connection that we closed ourselves tells nothing by its error. */
  reasonOf(error: unknown): unknown {
    return this.#signal.aborted ? this.#signal.reason : error;
  }

  #take(count: number): Uint8Array<ArrayBuffer> {
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  async #expect(): Promise<Uint8Array<ArrayBuffer>> {
    const part = await this.#read();
    if (part) return part;
    throw new Deno.errors.UnexpectedEof("it closed the connection in the middle of its answer");
  }

  async #read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await this.#connection.read(buffer);
    return count === null ? undefined : buffer.subarray(0, count);
  }
}
