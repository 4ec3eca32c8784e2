/** What Headscale, or what is before it, says when it does not do what it is asked. */
import * as v from "valibot";

/** An answer that is none of success. */
export interface RefusedAnswer {
  readonly status: number;
  /** The words of the status; may be empty. */
  readonly statusText: string;
  readonly body: string;
}

/** What it means. */
export interface Refusal {
  /** The status that releases of today would give. */
  readonly status: number;
  /** What was seen, and what to do about it where that is known. */
  readonly text: string;
  readonly mayPass: boolean;
}

/**
 * Reads an error of the REST API: `{code, message, details}` of releases up to 0.29 (the gateway of
 * gRPC), `{title, status, detail, errors}` from 0.30 on (RFC 7807), or a text.
 */
export function readRefusal(answer: RefusedAnswer): Refusal {
  const said = saidIn(answer.body);
  const status = modernStatus(answer, said);
  const head = `${answer.status} ${answer.statusText}`.trim();
  const words = said === undefined ? plainText(answer.body) : said;
  const isNews = words !== "" && !head.endsWith(words);
  const advice = adviceFor(status, said !== undefined);
  return {
    status,
    text: [isNews ? `${head}: ${words}` : head, advice].filter((part) => part !== "").join("; "),
    mayPass: status === 429 || status >= 500 && status !== 501,
  };
}

/** Longest text of others that is told, in characters. */
const MAX_SAID_CHARACTERS = 300;

const SaidText = v.optional(v.string(), "");

const Said = v.object({
  message: SaidText,
  title: SaidText,
  detail: SaidText,
  errors: v.nullish(v.array(v.object({ message: SaidText })), []),
});

/** Undefined for what is no error of Headscale's; may be empty. */
function saidIn(body: string): string | undefined {
  const outcome = v.safeParse(Said, parseJson(body));
  if (!outcome.success) return undefined;
  const { message, title, detail, errors } = outcome.output;
  const parts = [message, detail || title, ...errors.map((error) => error.message)];
  return shorten(parts.filter((part) => part !== "").join(": "));
}

/**
 * Releases up to 0.26 say 500 `Unauthorized` for an API key that they cannot read (`hscontrol/app.go`),
 * releases up to 0.29 say 500 or 400 for what is not in the database (`hscontrol/grpcv1.go`).
 */
function modernStatus({ status, body }: RefusedAnswer, said: string | undefined): number {
  if (status === 500 && body.trim() === "Unauthorized") return 401;
  const isOddStatus = status === 500 || status === 400;
  return isOddStatus && /\bnot found\b|\bno longer exists\b/.test(said ?? "") ? 404 : status;
}

function adviceFor(status: number, isHeadscale: boolean): string {
  if (status === 401) {
    return "the API key is wrong or has expired; " +
      'make one by "headscale apikeys create" and give it as headscale.authKey';
  }
  if (isHeadscale) return "";
  if (status === 404) return "that is not Headscale's API; see headscale.url and a proxy before it";
  if (status === 403) return "Headscale never says so; see the proxy before it";
  if (status >= 502 && status <= 504) return "the proxy before Headscale does not reach it";
  return "";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A web page tells people nothing in one line. */
function plainText(body: string): string {
  return body.trimStart().startsWith("<") ? "" : shorten(body);
}

function shorten(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > MAX_SAID_CHARACTERS ? `${line.slice(0, MAX_SAID_CHARACTERS)}...` : line;
}
