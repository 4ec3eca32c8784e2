/** What it means that a request to Headscale got no answer: the texts are those of Deno's fetch. */
import { innermostText } from "../errors.ts";

/** Why there was none. */
export interface NoAnswer {
  /** What was seen, and what to do about it where that is known. */
  readonly text: string;
  /** False for what only a person can mend, such as a certificate. */
  readonly mayPass: boolean;
}

/**
 * Explains what `fetch` threw.
 * @param hasCa that `headscale.caFile` is given.
 */
export function explainNoAnswer(error: unknown, hasCa: boolean): NoAnswer {
  const seen = innermostText(error);
  const known = KNOWN.find(({ pattern }) => pattern.test(seen));
  if (!known) return { text: seen, mayPass: true };
  return { text: `${seen}: ${known.advice(hasCa)}`, mayPass: false };
}

/** Texts of rustls and hyper, as Deno shows them. */
const KNOWN: readonly { readonly pattern: RegExp; advice(hasCa: boolean): string }[] = [
  {
    pattern: /UnknownIssuer|BadSignature/,
    advice: (hasCa) =>
      hasCa
        ? "its certificate is not of the CA in headscale.caFile; put the right one there"
        : "its certificate is of no CA that is known here; set headscale.caFile to that CA",
  },
  {
    pattern: /CaUsedAsEndEntity/,
    advice: () =>
      "its certificate is a CA's own, which is none for a server; give it one with " +
      "basicConstraints CA:FALSE",
  },
  {
    pattern: /not valid for name|NotValidForName/,
    advice: () => "set headscale.url to a name that its certificate has",
  },
  {
    pattern: /certificate expired|Expired|NotValidYet|not valid yet/,
    advice: () => "renew its certificate, or set the clock of this node",
  },
  {
    pattern: /invalid peer certificate/,
    advice: () => "see headscale.caFile and the certificate of the server",
  },
  {
    pattern: /corrupt message|InvalidContentType/,
    advice: () => "it speaks no TLS; headscale.url may want http in the place of https",
  },
  {
    pattern: /invalid HTTP version/,
    advice: () => "it speaks no HTTP; headscale.url may want https in the place of http",
  },
];
