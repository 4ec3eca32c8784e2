import { assertEquals } from "@std/assert";
import { findFaults } from "../../lib/store/faults.ts";
import type { Store } from "../../lib/store/store.ts";

/**
 * Holds leases, owners of addresses and pages against each other: an address belongs to one lease,
 * is marked as used in its page, and none is marked that nobody has.
 */
export async function assertConsistent(store: Store): Promise<void> {
  assertEquals(await store.read(findFaults), []);
}
