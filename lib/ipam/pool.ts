/** Named selections of range sets inside the address space of one network. */
import type { AddressRange } from "./range.ts";
import type { AddressSpan } from "./span.ts";

/** Some range sets of a network, and who gets addresses out of them. Pools may overlap. */
export interface AddressPool {
  /** {@linkcode DEFAULT_POOL}, or a name of `pools`. */
  readonly name: string;
  /** Kubernetes namespaces whose pods belong to it; none for the default pool. */
  readonly namespaces: readonly string[];
  /** A pod gets one address of each set; at least one set, none of them empty. */
  readonly rangeSets: readonly (readonly AddressRange[])[];
  /** Never given. */
  readonly excluded: readonly AddressSpan[];
  /** Given only to those who ask for the very address. */
  readonly reserved: readonly AddressSpan[];
}

/** Name of the pool that the ranges of the `ipam` section itself make. */
export const DEFAULT_POOL = "default";
