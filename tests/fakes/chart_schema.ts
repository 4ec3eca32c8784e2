/** The part of chart/values.schema.json that the daemon's settings make: `config`. */
import { boolean } from "../../lib/daemon/settings/kind.ts";
import { findKey, type KeyUse, namesIn } from "../../lib/daemon/settings/catalogue.ts";
import { RETIRED_KEYS } from "../../lib/daemon/settings/retired.ts";

/** JSON Schema, draft 7, as far as we write it. */
export interface JsonSchema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly additionalProperties?: boolean;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
}

const PATH: JsonSchema = { type: ["string", "null"], pattern: "^(/[\\w./+@:,-]*)?$" };

/** Settings that templates read: Helm has to refuse what the daemon would refuse only on the node. */
const READ_BY_TEMPLATES: Readonly<Record<string, JsonSchema>> = {
  "cni.confDir": PATH,
  "cni.binDir": PATH,
  "headscale.caFile": PATH,
  "dataDir": PATH,
  "runDirectory": PATH,
  "logging.file.path": PATH,
  "monitoring.address": { type: ["string", "null"] },
  "monitoring.port": { type: ["integer", "null"], minimum: 1, maximum: 65_535 },
  "monitoring.path": { type: ["string", "null"] },
  // YAML reads the word "off" as false.
  "tailscale.mode": { enum: ["host", "own", "daemon", "off", false, null] },
  "kube.access": { enum: ["auto", "off", false, null] },
  "tailscale.socket": PATH,
  "tailscale.socket.path": PATH,
  "tailscale.socket.name": {
    type: ["string", "null"],
    pattern: "^([A-Za-z0-9][A-Za-z0-9_.-]{0,254})?$",
  },
  "tailscale.port": { type: ["integer", "null"], minimum: 0, maximum: 65_535 },
  "tailscale.mtu": { type: ["integer", "null"], minimum: 576, maximum: 65_535 },
  "tailscale.interfaceName": { type: ["string", "null"] },
  "tailscale.nic": { type: ["string", "null"] },
};

/** Every key that daemon.yaml may have, and no other. */
export function configSchema(): JsonSchema {
  return {
    description: 'The settings of the daemon: README.md, "Settings of the daemon"',
    ...sectionSchema(""),
  };
}

function sectionSchema(section: string): JsonSchema {
  const prefix = section === "" ? "" : `${section}.`;
  const retired = RETIRED_KEYS.filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length).split(".")[0] ?? "");
  const names = [...new Set([...namesIn(section), ...retired])];
  const properties = names.map((name) => [name, keySchema(prefix + name)] as const);
  return {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

function keySchema(key: string): JsonSchema {
  if (RETIRED_KEYS.includes(key)) return { description: "of the older system; does nothing" };
  const use = findKey(key);
  const hasMore = namesIn(key).length > 0 ||
    RETIRED_KEYS.some((each) => each.startsWith(`${key}.`));
  if (!use) return sectionSchema(key);
  return hasMore ? { anyOf: [sectionSchema(key), valueSchema(key, use)] } : valueSchema(key, use);
}

function valueSchema(key: string, { setting, isFileOfSecret }: KeyUse): JsonSchema {
  const description = isFileOfSecret ? `a file with the ${setting.doc}` : setting.doc;
  const known = READ_BY_TEMPLATES[key];
  if (known) return { description, ...known };
  if (setting.isSecret) return { description, type: ["string", "null"] };
  if (setting.kind === boolean) return { description, type: ["boolean", "null"] };
  return { description, type: ["string", "number", "array", "null"] };
}
