/** The daemon's way to Headscale: what it knows of this node, and that it approves our networks. */
import { errorText } from "../../errors.ts";
import type { HeadscaleClient } from "../../headscale/client.ts";
import { distinctPrefixes, equalPrefixSets, type Prefix } from "../../net/prefix.ts";
import type { Settings } from "../settings/settings.ts";
import { approveRoutes, type HeadscaleSight } from "./approve_routes.ts";
import { inTime } from "./in_time.ts";
import { readMemory, updateMemory } from "./memory_file.ts";
import { openHeadscale, readCertificates } from "./open_headscale.ts";

/**
 * Longest time for one question, however many requests and repetitions it takes, in milliseconds: enough
 * for a request by the defaults of `headscale.timeout` and `headscale.retries`, and far less than a loop may
 * be silent (`findStuck`).
 */
const QUESTION_DEADLINE_MS = 150_000;

/** A client, and what it was made by. */
interface Opened {
  readonly settings: Settings["headscale"];
  readonly caPem: string | undefined;
  readonly client: HeadscaleClient | undefined;
}

/** Asks Headscale, and remembers what it said. */
export class HeadscaleLink implements Disposable {
  #opened: Opened | undefined;
  #said: { readonly nodeKey: string; readonly sight: HeadscaleSight } | undefined;
  readonly #deadlineMs: number;

  /** @param deadlineMs another than that of a node, for tests. */
  constructor(deadlineMs = QUESTION_DEADLINE_MS) {
    this.#deadlineMs = deadlineMs;
  }

  /** What it said last of that node key; undefined when it was not asked, or is not to be. */
  sightOf(nodeKey: string | undefined): HeadscaleSight | undefined {
    return this.#said?.nodeKey === nodeKey ? this.#said?.sight : undefined;
  }

  /**
   * Looks at the node, and approves its networks; those of a node that has left are taken back.
   * @param podCidrs undefined as long as nobody named them: what is approved stays.
   * @throws HeadcniError `io-failure` when what is ours cannot be remembered.
   */
  async ask(
    settings: Settings,
    nodeKey: string,
    podCidrs: readonly Prefix[] | undefined,
  ): Promise<HeadscaleSight | undefined> {
    const sight = await this.#look(settings, nodeKey, podCidrs);
    this.#said = sight && { nodeKey, sight };
    return sight;
  }

  /**
   * Kept, for it knows which API is spoken; undefined when there is no API key to ask with.
   * @throws ConfigError when the certificates cannot be used.
   */
  client({ headscale }: Pick<Settings, "headscale">): HeadscaleClient | undefined {
    const caPem = readCertificates(headscale);
    const isSame = this.#opened?.settings === headscale && this.#opened.caPem === caPem;
    if (!isSame) {
      this[Symbol.dispose]();
      this.#opened = { settings: headscale, caPem, client: openHeadscale({ headscale }, caPem) };
    }
    return this.#opened?.client;
  }

  [Symbol.dispose](): void {
    this.#opened?.client?.[Symbol.dispose]();
    this.#opened = undefined;
  }

  async #look(
    settings: Settings,
    nodeKey: string,
    podCidrs: readonly Prefix[] | undefined,
  ): Promise<HeadscaleSight | undefined> {
    const { dataDir } = settings;
    const { approved, left } = readMemory(dataDir);
    const wanted = left ? [] : podCidrs ?? approved;
    let client: HeadscaleClient | undefined;
    try {
      client = this.client(settings);
    } catch (error) {
      return { node: undefined, trouble: errorText(error), isChanged: false };
    }
    if (!client) return undefined;
    // Before it is asked: whatever comes of it, it is known what may be ours.
    const mayBeOurs = distinctPrefixes([...approved, ...wanted]);
    rememberApproved(dataDir, approved, mayBeOurs);
    const sight = await this.#inTime(approveRoutes(client, nodeKey, wanted, approved));
    if (sight.trouble === undefined) rememberApproved(dataDir, mayBeOurs, wanted);
    return sight;
  }

  /** A question that takes too long is ended with its client: none goes on beside the next. */
  async #inTime(asking: Promise<HeadscaleSight>): Promise<HeadscaleSight> {
    try {
      return await inTime(asking, this.#deadlineMs);
    } catch (error) {
      this[Symbol.dispose]();
      return { node: undefined, trouble: errorText(error), isChanged: false };
    }
  }
}

function rememberApproved(
  dataDir: string,
  before: readonly Prefix[],
  approved: readonly Prefix[],
): void {
  if (equalPrefixSets(before, approved)) return;
  updateMemory(dataDir, (memory) => ({ ...memory, approved }));
}
