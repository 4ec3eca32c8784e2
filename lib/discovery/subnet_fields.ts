/** The keys of a subnet file, under one name whatever form the file has. */
import type { Environment } from "../cni/environment.ts";
import { ConfigError, errorText } from "../errors.ts";
import { isObject, showValue } from "../schema.ts";
import { isEnvLine, parseEnvLines } from "./env_lines.ts";
import { parsePlainYaml } from "./plain_yaml.ts";

/** Keys by their name in YAML; `service_cidr` is below `metadata`. */
export type SubnetKey =
  | "network"
  | "subnet"
  | "ipv6_network"
  | "ipv6_subnet"
  | "mtu"
  | "ipmasq"
  | "service_cidr";

/** A value, and how it is called where it was written. */
export interface WrittenField {
  readonly name: string;
  readonly value: unknown;
}

/** What a file and the variables say, not yet judged. */
export interface SubnetFields {
  /** Without keys whose value is null or empty text. */
  readonly written: ReadonlyMap<SubnetKey, WrittenField>;
  readonly routes: unknown;
  readonly dns: unknown;
  /** Lines that nobody can read. */
  readonly faults: readonly string[];
  /** How a key would be called where it is missing. */
  readonly nameOf: (key: SubnetKey) => string;
}

/** Keys that have a variable: its name is that of the key in capitals, behind a prefix. */
const VARIABLE_KEYS: readonly SubnetKey[] = [
  "network",
  "subnet",
  "ipv6_network",
  "ipv6_subnet",
  "mtu",
  "ipmasq",
];

/** The prefixes of variables in a file, the strongest last; flannel's: pkg/subnet/subnet.go. */
const FILE_PREFIXES: readonly string[] = ["FLANNEL_", "HEADCNI_"];

/** Reads the keys; a variable of `overrides` wins over the file. */
export function readSubnetFields(
  source: { readonly path: string; readonly text: string } | undefined,
  overrides: Environment,
): SubnetFields {
  const fields = readFile(source?.text);
  const written = new Map([...fields.written, ...variables("HEADCNI_", (name) => overrides[name])]);
  return {
    ...fields,
    written: new Map([...written].filter(([, { value }]) => (value ?? "") !== "")),
  };
}

function readFile(text: string | undefined): SubnetFields {
  if (text === undefined) return emptyFields((key) => variableName("HEADCNI_", key));
  // A byte order mark is no part of the first key.
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  return lines.some(isEnvLine) ? readLines(lines) : readYaml(text);
}

function readLines(lines: readonly string[]): SubnetFields {
  const { values, faults } = parseEnvLines(lines);
  const names = (key: SubnetKey) => FILE_PREFIXES.map((prefix) => variableName(prefix, key));
  return {
    ...emptyFields((key) => names(key).reverse().join(" or ")),
    written: new Map(
      FILE_PREFIXES.flatMap((prefix) => variables(prefix, (name) => values.get(name) || undefined)),
    ),
    faults,
  };
}

function readYaml(text: string): SubnetFields {
  const nameOf = (key: SubnetKey) => key === "service_cidr" ? `metadata.${key}` : key;
  try {
    const value = parsePlainYaml(text) ?? {};
    if (!isObject(value)) throw wrongShape(value);
    const metadata = isObject(value.metadata) ? value.metadata : {};
    const field = (key: SubnetKey, value: unknown): [SubnetKey, WrittenField] => [
      key,
      { name: nameOf(key), value },
    ];
    const written = new Map([
      ...VARIABLE_KEYS.map((key) => field(key, value[key])),
      field("service_cidr", metadata.service_cidr),
    ]);
    return { ...emptyFields(nameOf), written, routes: value.routes, dns: value.dns };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ...emptyFields(nameOf), faults: [errorText(error)] };
  }
}

function emptyFields(nameOf: SubnetFields["nameOf"]): SubnetFields {
  return { written: new Map(), routes: undefined, dns: undefined, faults: [], nameOf };
}

/** Those that are set and not empty, so that an empty one overrules nothing. */
function variables(
  prefix: string,
  lookUp: (name: string) => string | undefined,
): [SubnetKey, WrittenField][] {
  return VARIABLE_KEYS.flatMap((key) => {
    const name = variableName(prefix, key);
    const value = lookUp(name);
    return value ? [[key, { name, value }]] : [];
  });
}

function variableName(prefix: string, key: SubnetKey): string {
  return prefix + key.toUpperCase();
}

function wrongShape(value: unknown): ConfigError {
  return new ConfigError("decode-failure", `keys with values wanted, got ${showValue(value)}`);
}
