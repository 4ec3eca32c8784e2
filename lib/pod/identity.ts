/** How the kernel's links tell whose they are: names and aliases. */
import { type AttachmentKey, formatAttachment, type PodReference } from "../attachment.ts";
import { byteLength } from "../byte_length.ts";
import { ConfigError } from "../errors.ts";
import { fnv1a64 } from "../fnv1a64.ts";
import { HEADCNI_LINK_GROUP, type Link } from "../net/link.ts";
import { type Address, formatAddress, tryParseAddress } from "../net/address.ts";

/** Longest alias of a link in bytes: `IFALIASZ - 1`, linux/if.h. */
const MAX_ALIAS_BYTES = 255;
/** First word of the aliases of host links, with the version of their format. */
const ALIAS_MARK = "headcni:1";
/** The same of ifbs: another one, so that none passes for the link of a pod. */
const IFB_MARK = "headcni-ifb:1";
/** `veth` and 11 hex digits fill the 15 bytes of a name: 44 bits tell attachments apart. */
const NAME_DIGITS = 11;

/** The word for a pod, of the alphabet of Kubernetes names: RFC 1123 section 2.1, and `_`. */
const POD_WORD = /^ pod=[\w.-]*\/[\w.-]+$/;

/** What an alias of ours says. */
export interface AttachmentAlias {
  readonly key: AttachmentKey;
  readonly addresses: readonly Address[];
  /** `namespace/name`, when it fitted. */
  readonly pod: string | undefined;
}

/**
 * Name of the host's end of the pod's link: the same for every call about the attachment, so that
 * DEL finds it without any state. Not a cryptographic hash: loading `crypto` costs a plugin call
 * 1.5 ms, and the alias tells whose a link is should two names ever meet.
 */
export function hostLinkName(key: AttachmentKey): string {
  return `veth${nameDigits(key)}`;
}

/** Name of the ifb in which waits what the pod sends too fast: see {@linkcode hostLinkName}. */
export function ifbName(key: AttachmentKey): string {
  return `ifb${nameDigits(key)}`;
}

/**
 * The alias of an attachment's host link: from it alone the store can be rebuilt.
 * @throws ConfigError when network, container id and addresses do not fit into 255 bytes.
 */
export function formatAlias(
  key: AttachmentKey,
  addresses: readonly Address[],
  pod: PodReference,
): string {
  const alias = `${ALIAS_MARK} ${keyWords(key)} ip=${addresses.map(formatAddress).join(",")}`;
  const room = MAX_ALIAS_BYTES - byteLength(alias);
  if (room < 0) {
    throw new ConfigError(
      "invalid-config",
      `Cannot mark the link of "${key.containerId}": network name and container id take ` +
        `${-room} bytes too many for a link alias of ${MAX_ALIAS_BYTES}; use a shorter network name`,
    );
  }
  const podWord = ` pod=${pod.namespace ?? ""}/${pod.name ?? ""}`;
  // Runtimes send the names as they like: what could pass for a word of its own is left out.
  const isPlain = POD_WORD.test(podWord);
  return isPlain && byteLength(podWord) <= room ? alias + podWord : alias;
}

/** The alias of an attachment's ifb; it fits where {@linkcode formatAlias} does. */
export function formatIfbAlias(key: AttachmentKey): string {
  return `${IFB_MARK} ${keyWords(key)}`;
}

/** Reads the alias of a host link of ours; undefined for anything else. */
export function parseAlias(alias: string | undefined): AttachmentAlias | undefined {
  return parseMarked(ALIAS_MARK, alias);
}

function parseMarked(mark: string, alias: string | undefined): AttachmentAlias | undefined {
  const [first, ...words] = (alias ?? "").split(" ");
  if (first !== mark) return undefined;
  const fields = new Map(words.map((word): [string, string] => {
    const at = word.indexOf("=");
    return [word.slice(0, at), word.slice(at + 1)];
  }));
  const network = fields.get("net");
  const containerId = fields.get("id");
  const ifname = fields.get("if");
  if (!network || !containerId || !ifname) return undefined;
  const addresses = (fields.get("ip") ?? "").split(",").flatMap((text) =>
    tryParseAddress(text) ?? []
  );
  return { key: { network, containerId, ifname }, addresses, pod: fields.get("pod") };
}

/** The host links that say by an alias of ours whose they are, each with its name. */
export function listAliases(
  links: readonly Pick<Link, "name" | "alias">[],
): (AttachmentAlias & { link: string })[] {
  return links.flatMap(({ name, alias }) => {
    const parsed = parseAlias(alias);
    return parsed ? { ...parsed, link: name } : [];
  });
}

/** The attachments that have an ifb here; one may have lost its host link before it. */
export function listIfbOwners(links: readonly Pick<Link, "alias">[]): AttachmentKey[] {
  return links.flatMap(({ alias }) => parseMarked(IFB_MARK, alias)?.key ?? []);
}

/**
 * True when a link that has the attachment's {@linkcode hostLinkName} or {@linkcode ifbName} is the
 * attachment's. The kernel gives a new link its group at once but its alias only by a second
 * request, so a link of our group without any alias is one whose ADD was killed in between.
 */
export function isLinkOf(key: AttachmentKey, link: Pick<Link, "alias" | "group">): boolean {
  if (!link.alias) return link.group === HEADCNI_LINK_GROUP;
  const owner = (parseAlias(link.alias) ?? parseMarked(IFB_MARK, link.alias))?.key;
  return owner !== undefined && formatAttachment(owner) === formatAttachment(key);
}

/** What an alias says of an attachment. */
function keyWords({ network, containerId, ifname }: AttachmentKey): string {
  return `net=${network} id=${containerId} if=${ifname}`;
}

/** What the names of an attachment's links end with. */
function nameDigits({ network, containerId, ifname }: AttachmentKey): string {
  // No part can hold a newline, so different keys give different texts.
  const text = `${network}\n${containerId}\n${ifname}`;
  return fnv1a64(text).toString(16).padStart(16, "0").slice(-NAME_DIGITS);
}
