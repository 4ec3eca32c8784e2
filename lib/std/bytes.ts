/** `@std/bytes`: the functions on byte arrays that we use. */

/** One array with the bytes of all, in their order. */
export function concat(buffers: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const all = [...buffers];
  const joined = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const buffer of all) {
    joined.set(buffer, at);
    at += buffer.length;
  }
  return joined;
}
