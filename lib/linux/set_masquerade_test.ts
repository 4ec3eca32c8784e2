import { assertEquals, assertRejects } from "@std/assert";
import { HeadcniError, KernelError } from "../errors.ts";
import { parsePrefix } from "../net/prefix.ts";
import type { Masquerade } from "../nft/masquerade.ts";
import type { Message } from "../wire/message.ts";
import { ENOENT } from "./errno.ts";
import { ERESTART, type NftSocket } from "./nft.ts";
import { setMasquerade } from "./set_masquerade.ts";

const WANT: Masquerade = { sources: [parsePrefix("10.9.0.0/24")], exempt: [] };

/** nfgenmsg, then NFTA_GEN_ID 1: linux/netfilter/nf_tables.h. */
const GENERATION: Message = {
  ...{ type: 0, flags: 0, sequence: 0 },
  body: Uint8Array.of(0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 1),
};

/** A ruleset that never has our table, whatever is written; each write is answered by that errno. */
class ForgetfulSocket implements NftSocket {
  writes = 0;
  readonly #errno: number;

  constructor(errno: number) {
    this.#errno = errno;
  }

  request(_request: unknown, call: string): Message[] {
    if (call === "NFT_MSG_GETGEN") return [GENERATION];
    throw new KernelError(call, ENOENT, "Cannot read: no such table");
  }

  requestBatch() {
    // A bound of the test's own.
    if (++this.writes > 1_000) throw new Error("written for ever");
    return [{ errno: this.#errno }];
  }
}

Deno.test("setMasquerade: an end where others undo each write, or come between each time", async () => {
  for (const errno of [0, ERESTART]) {
    const socket = new ForgetfulSocket(errno);
    const error = await assertRejects(
      () => setMasquerade(socket, WANT, () => Promise.resolve(WANT)),
      HeadcniError,
    );
    assertEquals(error.reason, "firewall-failure");
    assertEquals(socket.writes, 100);
  }
});
