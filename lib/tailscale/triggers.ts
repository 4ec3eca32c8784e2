/** Lines of a stream as mere triggers: what they say is of no account. */

const NEWLINE = 0x0a;

/**
 * A trigger for each line that ends, but one alone for all that end while nobody reads: tailscaled
 * drops what is not taken from it, so the body is read on.
 * @param signal ends it with an error, and the body too.
 */
export function triggersOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): ReadableStream<void> {
  return new ReadableStream<void>({
    start(controller) {
      const lines = new WritableStream<Uint8Array>({
        write(chunk) {
          const isFree = (controller.desiredSize ?? 0) > 0;
          if (isFree && chunk.includes(NEWLINE)) controller.enqueue();
        },
      });
      body.pipeTo(lines, { signal }).then(() => controller.close())
        .catch((error) => controller.error(error)); // which does nothing to a stream that is over
    },
  });
}
