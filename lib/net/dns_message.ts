/** As much of DNS as it takes to see that a name server answers: RFC 1035, section 4. */

/** Names of response codes: section 4.1.1. */
const CODES: readonly string[] = [
  ...["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"],
];

const HEADER_BYTES = 12;
/** QR is the highest bit, RD asks for recursion. */
const IS_ANSWER = 0x8000;
const RECURSION = 0x0100;
const TYPE_A = 1;
const CLASS_IN = 1;

/** A question for the IPv4 addresses of a name. */
export function encodeDnsQuestion(id: number, name: string): Uint8Array<ArrayBuffer> {
  const labels = name.split(".").filter((label) => label !== "")
    .map((label) => new TextEncoder().encode(label));
  const nameBytes = labels.reduce((sum, label) => sum + 1 + label.length, 1);
  const message = new Uint8Array(HEADER_BYTES + nameBytes + 4);
  const view = new DataView(message.buffer);
  [id, RECURSION, 1].forEach((word, at) => view.setUint16(2 * at, word));
  let at = HEADER_BYTES;
  for (const label of labels) {
    message[at] = label.length;
    message.set(label, at + 1);
    at += 1 + label.length;
  }
  view.setUint16(at + 1, TYPE_A);
  view.setUint16(at + 3, CLASS_IN);
  return message;
}

/** The name of the code with which a question was answered; undefined for anything else. */
export function readDnsCode(message: Uint8Array, id: number): string | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const view = new DataView(message.buffer, message.byteOffset);
  const flags = view.getUint16(2);
  if (view.getUint16(0) !== id || (flags & IS_ANSWER) === 0) return undefined;
  const code = flags & 0x0f;
  return CODES[code] ?? `code ${code}`;
}
