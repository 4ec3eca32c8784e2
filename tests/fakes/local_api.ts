/** A tailscaled on a unix socket that says what a real one cannot be made to say. */

/** What it is asked. */
export interface AskedOf {
  readonly method: string;
  /** With its query, below `/localapi/v0/`. */
  readonly path: string;
  readonly host: string;
  /** Where it comes from, which tailscaled takes from none; undefined without such a header. */
  readonly origin: string | undefined;
  /** Empty when there is none. */
  readonly body: string;
}

/** One that answers requests, and remembers them. */
export class FakeLocalApi implements AsyncDisposable {
  readonly socket: string;
  readonly asked: AskedOf[] = [];
  readonly #directory: string;
  #server: Deno.HttpServer<Deno.NetAddr | Deno.UnixAddr> | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.socket = `${directory}/tailscaled.sock`;
  }

  static async start(
    answer: (asked: AskedOf) => Response | Promise<Response>,
  ): Promise<FakeLocalApi> {
    const fake = new FakeLocalApi(await Deno.makeTempDir({ prefix: "hct" }));
    fake.serve(answer);
    return fake;
  }

  /** Listens again after {@linkcode stop}. */
  serve(answer: (asked: AskedOf) => Response | Promise<Response>): void {
    this.#server = Deno.serve({ path: this.socket, onListen: () => {} }, async (request) => {
      const { pathname, search } = new URL(request.url);
      const asked = {
        method: request.method,
        path: pathname.replace("/localapi/v0/", "") + search,
        host: request.headers.get("host") ?? "",
        origin: request.headers.get("origin") ?? request.headers.get("referer") ?? undefined,
        body: await request.text(),
      };
      this.asked.push(asked);
      return await answer(asked);
    });
  }

  async stop(): Promise<void> {
    await this.#server?.shutdown();
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** A listener that writes some bytes as its answer, and breaks off or keeps still. */
export class RawListener implements AsyncDisposable {
  readonly socket: string;
  /** What it was sent. */
  readonly requests: string[] = [];
  /** Fulfilled by the first request. */
  readonly asked: Promise<void>;
  readonly #directory: string;
  readonly #listener: Deno.UnixListener;
  readonly #connections: Deno.Conn[] = [];
  readonly #serving: Promise<void>;
  #isAsked: () => void;

  /** @param isSlow writes byte by byte. */
  constructor(answer: string, isKept: boolean, isSlow = false) {
    this.#directory = Deno.makeTempDirSync({ prefix: "hct" });
    this.socket = `${this.#directory}/tailscaled.sock`;
    this.#listener = Deno.listen({ transport: "unix", path: this.socket });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.asked = promise;
    this.#isAsked = resolve;
    const bytes = new TextEncoder().encode(answer);
    const parts = isSlow ? Array.from(bytes, (byte) => Uint8Array.of(byte)) : [bytes];
    this.#serving = this.#serve(parts, isKept);
  }

  async #serve(parts: readonly Uint8Array[], isKept: boolean): Promise<void> {
    for await (const connection of this.#listener) {
      const buffer = new Uint8Array(4096);
      const count = await connection.read(buffer);
      this.requests.push(new TextDecoder().decode(buffer.subarray(0, count ?? 0)));
      this.#isAsked();
      for (const part of parts) await writeAll(connection, part);
      if (isKept) this.#connections.push(connection);
      else connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    for (const connection of this.#connections) connection.close();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Who asked may have heard enough, and be gone. */
async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  try {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  } catch (error) {
    const isGone = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.ConnectionReset;
    if (!isGone) throw error;
  }
}
