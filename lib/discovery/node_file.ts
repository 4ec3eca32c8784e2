/** What a file of the node says about the addresses of pods and services, and how each is told. */
import type { Family } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";

/** Prefix length of a node's share of the cluster's network, for the families that have one. */
export type PerNodeLengths = Readonly<Partial<Record<Family, number>>>;

/** What one file says; empty lists where it does not say. */
export interface NodeFile {
  /** Of this node: at most one a family. */
  readonly nodeCidrs: readonly Prefix[];
  /** Of the whole cluster: never a node's own, only what a node's share may be computed from. */
  readonly clusterCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  readonly perNodeLengths: PerNodeLengths;
}

/** A file that is there, and what it says or why it cannot be read. */
export type FileFinding =
  & {
    /** As the node knows it, whatever it is mounted below. */
    readonly path: string;
  }
  & ({ readonly says: NodeFile } | { readonly fault: string });
