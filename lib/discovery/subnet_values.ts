/** The values of a subnet file: what is text in one of its forms is a number or a list in another. */
import { ConfigError } from "../errors.ts";
import { networkOf, type Prefix, tryParsePrefix } from "../net/prefix.ts";
import { showValue } from "../schema.ts";

/**
 * Smallest MTU that a file may name: what every IPv4 host must be ready to accept, RFC 791 section
 * 3.2. Less is a number that was cut off.
 */
const MIN_MTU_BYTES = 576;
/** Largest MTU of a Linux interface that still fits an IP packet. */
const MAX_MTU_BYTES = 65_535;

/** The spellings of Go's strconv.ParseBool, which read these files so far. */
const TRUE_WORDS: readonly unknown[] = [true, "1", "t", "T", "TRUE", "true", "True"];
const FALSE_WORDS: readonly unknown[] = [false, "0", "f", "F", "FALSE", "false", "False"];

/**
 * Prefixes with commas, or a list of such texts; without host bits.
 * @param name of the key, for the error text.
 * @throws ConfigError.
 */
export function parsePrefixes(value: unknown, name: string): Prefix[] {
  return parseWrittenPrefixes(value, name).map(networkOf);
}

/** {@linkcode parsePrefixes} that keeps host bits. */
export function parseWrittenPrefixes(value: unknown, name: string): Prefix[] {
  const texts = (Array.isArray(value) ? value : [value]).flatMap((item: unknown) => {
    if (typeof item === "string") return item.split(",").map((part) => part.trim());
    throw unwanted(name, "an IP prefix", item);
  });
  return texts.filter((text) => text !== "").map((text) => {
    const prefix = tryParsePrefix(text);
    if (prefix) return prefix;
    throw unwanted(name, "an IP prefix", text);
  });
}

/**
 * An MTU in bytes, as a number or as text; undefined for 0, which some daemons write for "automatic".
 * @throws ConfigError.
 */
export function parseMtuBytes(value: unknown, name: string): number | undefined {
  const mtu = typeof value === "string" && /^[0-9]{1,6}$/.test(value) ? Number(value) : value;
  if (mtu === 0) return undefined;
  if (typeof mtu === "number" && Number.isInteger(mtu)) {
    if (mtu >= MIN_MTU_BYTES && mtu <= MAX_MTU_BYTES) return mtu;
  }
  throw unwanted(name, `0 (automatic) or ${MIN_MTU_BYTES} to ${MAX_MTU_BYTES}`, value);
}

/**
 * True or false, also as text.
 * @throws ConfigError.
 */
export function parseFlag(value: unknown, name: string): boolean {
  if (TRUE_WORDS.includes(value)) return true;
  if (FALSE_WORDS.includes(value)) return false;
  throw unwanted(name, "true or false", value);
}

function unwanted(name: string, wanted: string, value: unknown): ConfigError {
  return new ConfigError("invalid-config", `${name}: ${wanted} wanted, got ${showValue(value)}`);
}
