/** What the doctor sees of a node, part by part: the facts that checks judge. */
import type { PodCidrFinding } from "../node/computed_pod_cidr.ts";
import type { ConfFile } from "../node/conf_directory.ts";
import type { DatapathPart } from "../node/datapath.ts";
import type { HostRoute } from "../node/overlaps.ts";
import type { PodCidrSource } from "../node/pod_cidr.ts";
import type { Condition } from "../mesh/conditions.ts";
import type { Prefix } from "../net/prefix.ts";

/** What was seen, or why nothing could be. */
export type Look<T> = { readonly saw: T } | { readonly blind: string };

/** The settings of the daemon, as this program reads them. */
export interface SettingsSight {
  /** Where the file is, or would be looked for. */
  readonly path: string;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** The daemon, as it answers. */
export interface DaemonSight {
  /** Release of this program. */
  readonly version: string;
  /** What it says of itself; undefined when it does not answer. */
  readonly status: {
    readonly version: string;
    readonly reasons: readonly string[];
    readonly warnings: readonly string[];
  } | undefined;
  /** Why it does not answer. */
  readonly trouble: string;
  /** False on a node that was set up by hand, without one. */
  readonly isExpected: boolean;
}

/** A folder in which runtimes look for network configurations. */
export interface ConfFolder {
  readonly directory: string;
  readonly runtimes: readonly string[];
  readonly files: readonly ConfFile[];
}

/** A plugin beside ours that our configuration names. */
export interface NamedPlugin {
  readonly type: string;
  readonly isFound: boolean;
}

/** Network configurations where the node's container runtimes look for them. */
export interface ConfsSight {
  readonly folders: readonly ConfFolder[];
  /** Name and text of the file that the daemon writes; undefined where the settings make none. */
  readonly wanted: { readonly name: string; readonly text: string } | undefined;
  /** Whether the daemon moves others aside that come first. */
  readonly isExclusive: boolean;
  /** Where a NetworkPolicy is asked for. */
  readonly policies: readonly string[];
  /** Folders that the runtimes' own settings name; none where no runtime was found. */
  readonly foundFolders: readonly string[];
}

/** Executables where the runtimes look for them. */
export interface BinariesSight {
  readonly binaries: readonly {
    readonly path: string;
    readonly name: string;
    readonly state: "same" | "different" | "missing" | "not-executable";
  }[];
  readonly plugins: readonly NamedPlugin[];
}

/** What the container runtime says of itself, by `crictl info`. */
export interface RuntimeView {
  readonly confDirectory: string | undefined;
  readonly binDirectories: readonly string[];
  /** `OK`, or what kept it from loading a configuration. */
  readonly loadStatus: string;
  /** Why it calls its network not ready; empty when it is. */
  readonly notReady: string;
  /** Where our configurations and executables lie. */
  readonly ownFolders: readonly string[];
  readonly ownBinaries: readonly string[];
}

/** The network of the pods of this node. */
export interface PodNetworkSight {
  readonly chosen: {
    readonly cidrs: readonly Prefix[];
    readonly source: PodCidrSource | string;
    readonly origin: string;
  } | undefined;
  /** What the settings, files and the API server say now, where a daemon uses another one. */
  readonly own: readonly Prefix[];
  readonly reasons: readonly string[];
  readonly refused: readonly string[];
  readonly warnings: readonly string[];
}

/** What plugins take for the network of the pods. */
export interface RangesSight {
  /** What is used; undefined when nobody knows. */
  readonly cidrs: readonly Prefix[] | undefined;
  /** The file that the daemon writes for them. */
  readonly subnetFile: {
    readonly path: string;
    readonly subnets: readonly Prefix[];
    /** Why it cannot be used; empty when it can. */
    readonly fault: string;
    /** Whether a configuration of ours wants one. */
    readonly isNeeded: boolean;
  };
  /** Ranges that configurations of ours name themselves. */
  readonly fixed: readonly { readonly path: string; readonly subnets: readonly Prefix[] }[];
}

/** The node's object at the API server. */
export interface ApiSight {
  readonly source: string;
  readonly finding: PodCidrFinding;
  /** Annotation `headcni.pod.cidr`. */
  readonly annotation: string | undefined;
  /** What is used. */
  readonly cidrs: readonly Prefix[];
}

/** One store. */
export interface StoreSight {
  readonly directory: string;
  /** What is wrong in it. */
  readonly faults: readonly string[];
  /** Why it could not be examined; empty when it was. */
  readonly trouble: string;
  readonly space: {
    readonly freeBytes: number;
    readonly freeInodes: number;
    /** 0 where the file system does not count them. */
    readonly totalInodes: number;
  };
  readonly hasBallast: boolean;
  /** What waits to be written to it. */
  readonly spoolBytes: number;
}

/** What the stores of a node hold. */
export interface LeasesSight {
  readonly leases: number;
  /** Those whose pods are proven dead, and the proofs. */
  readonly dead: readonly { readonly address: string; readonly proofs: readonly string[] }[];
  /** Leases that an earlier boot gave. */
  readonly ofOtherBoots: readonly string[];
  readonly networks: readonly {
    readonly network: string;
    readonly leases: number;
    readonly capacity: number | undefined;
  }[];
}

/** The kernel of the node, whatever its pods' network is. */
export interface KernelSight {
  /** Values by path below /proc/sys; absent ones are missing. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** The bridge, and the link to the tailnet where there is one. */
  readonly bridge: string;
  readonly tailnetDevice: string | undefined;
  /** Addresses of the bridge and of the tailnet that cannot be used yet, or never will. */
  readonly tentative: readonly string[];
  /** Addresses in the tailnet's range that are not of the tailnet. */
  readonly sharedAddresses: readonly string[];
  /** Links that another CNI made. */
  readonly foreignLinks: readonly string[];
}

/** What the daemon would do to the kernel, and what is around it. */
export interface DatapathSight {
  readonly mends: readonly {
    readonly part: DatapathPart;
    readonly text: string;
    readonly isRemoval: boolean;
  }[];
  /** What cannot be mended at all. */
  readonly troubles: readonly string[];
  readonly podCidrs: readonly Prefix[];
  /** Links of pods with a larger MTU than pods are to have. */
  readonly largeLinks: readonly string[];
  readonly mtuBytes: number;
  /** What the kernel sends by the tailnet: destinations in table 52. */
  readonly acceptedRoutes: readonly Prefix[];
  /** Routes of the node that have nothing to do with pods. */
  readonly hostRoutes: readonly HostRoute[];
  /** Routes of others that refuse packets to pods. */
  readonly blackholes: readonly string[];
  /** A guard against packets to pods elsewhere that leave in clear is wanted, and nobody knows for what network. */
  readonly lacksClusterCidr: boolean;
}

/** The packet filter; texts are commands that would mend it. */
export interface FirewallSight {
  /** Undefined while the stores cannot be read: then what is wanted is not known. */
  readonly masquerade: readonly string[] | undefined;
  readonly isMasqueraded: boolean;
  readonly forward: readonly string[];
  /** Why the tables of ip_tables could not be asked; empty when they were. */
  readonly forwardTrouble: string;
  /** Networks that firewalld rejects. */
  readonly unknownToFirewalld: readonly Prefix[];
  readonly mss: readonly string[];
  readonly tailnetDevice: string | undefined;
  /** Names of the chains of others. */
  readonly foreignChains: readonly string[];
  /** Tables of ip_tables, the older of the kernel's two, in use. */
  readonly legacyTables: readonly string[];
}

/** The tailnet. */
export interface MeshSight {
  readonly conditions: readonly Condition[];
  readonly conflicts: readonly string[];
  /** What tailscaled is set to that is not ours to change. */
  readonly warnings: readonly string[];
  /** Milliseconds since 1970; undefined when the key does not expire, or nobody tells. */
  readonly keyExpiryMs: number | undefined;
  readonly nowMs: number;
}

/** A time by the wall clock. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly ms: number;
  /** RFC 3339. */
  readonly text: string;
}

/** Other programs of the node, by their files. */
export interface ServicesSight {
  /** Undefined where systemd-networkd does not run; its settings as far as files tell them. */
  readonly networkd: {
    readonly manageForeignRoutes: string | undefined;
    readonly manageForeignRules: string | undefined;
  } | undefined;
  /** Undefined where NetworkManager does not run; patterns of devices that it leaves alone. */
  readonly unmanaged: readonly string[] | undefined;
  readonly bridge: string;
  /** Settings of sysctl.d that switch forwarding off. */
  readonly sysctlFiles: readonly string[];
  /** Files that another CNI left. */
  readonly foreignFiles: readonly string[];
  readonly now: Moment;
  /** The latest moment that something on this node tells of, and what. */
  readonly latest: Moment & { readonly what: string };
}

/** All parts, each looked at by itself. */
export interface DoctorSights {
  readonly settings: SettingsSight;
  readonly daemon: DaemonSight;
  readonly confs: ConfsSight;
  readonly binaries: BinariesSight;
  readonly runtimeView: RuntimeView;
  readonly podNetwork: PodNetworkSight;
  readonly ranges: RangesSight;
  readonly api: ApiSight;
  readonly stores: readonly StoreSight[];
  readonly leases: LeasesSight;
  readonly kernel: KernelSight;
  readonly datapath: DatapathSight;
  readonly firewall: FirewallSight;
  readonly mesh: MeshSight;
  readonly services: ServicesSight;
}

/** A part by its name. */
export type SightName = keyof DoctorSights;

/** What was seen of the parts that were looked at. */
export type Looks = { readonly [Name in SightName]?: Look<DoctorSights[Name]> };
