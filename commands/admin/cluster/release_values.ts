/** What flags say of a release, as values of the chart. */
import type { Command } from "commander";

/** Flags, as users of the older system know them. */
export interface ReleaseFlags {
  readonly headscaleUrl?: string;
  readonly podCidr?: string;
  readonly serviceCidr?: string;
  readonly ipamType?: string;
  readonly imageRepo?: string;
  readonly imageTag?: string;
}

/** The Secret that holds the keys; names of the keys that are in it. */
export interface KeySecret {
  readonly name: string;
  readonly headscaleKey: string | undefined;
  readonly tailscaleKey: string | undefined;
}

/** Adds the flags to a verb. */
export function addReleaseFlags(verb: Command): Command {
  return verb
    .option("--headscale-url <url>", "the control server")
    .option("--pod-cidr <prefix>", "network of all pods; with a comma for both families")
    .option("--service-cidr <prefix>", "network of services")
    .option("--ipam-type <type>", "who gives addresses: headcni-ipam or host-local")
    .option("--image-repo <name>", "image of this project")
    .option("--image-tag <tag>", "its tag");
}

/** Values of the chart; what no flag names is left to its defaults. */
export function releaseValues(
  flags: ReleaseFlags,
  secret: KeySecret | undefined,
): Readonly<Record<string, unknown>> {
  const { headscaleUrl, podCidr, serviceCidr, ipamType, imageRepo, imageTag } = flags;
  return withoutAbsent({
    image: { repository: imageRepo, tag: imageTag },
    config: {
      headscale: { url: headscaleUrl },
      network: { podCIDR: { base: podCidr }, serviceCIDR: serviceCidr },
      ipam: { type: ipamType },
    },
    secret: {
      existingName: secret?.name,
      headscaleKey: secret?.headscaleKey,
      tailscaleKey: secret?.tailscaleKey,
    },
  });
}

/** Without members that are undefined, and sections in which nothing is left. */
function withoutAbsent(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      if (member === undefined) return [];
      if (typeof member !== "object" || member === null) return [[key, member]];
      const section = withoutAbsent({ ...member });
      return Object.keys(section).length > 0 ? [[key, section]] : [];
    }),
  );
}
