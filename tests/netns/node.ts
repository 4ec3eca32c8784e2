import type { Host } from "../../lib/host/host.ts";
import type { Step, StepOf } from "../../lib/host/step.ts";
import { openLinuxHost } from "../../lib/linux/host.ts";
import type { Sync } from "../../lib/linux/netns.ts";
import type { NetnsPair } from "./namespace.ts";

/** The effects under test, on a pair of namespaces as node and pod. */
export class TestNode implements Disposable {
  readonly #pair: NetnsPair;
  readonly #host: Host;

  constructor(pair: NetnsPair) {
    this.#pair = pair;
    this.#host = pair.host.do(() => openLinuxHost({ netns: pair.pod.path }));
  }

  /** Carries out steps in order. */
  apply(...steps: readonly Step[]): void {
    for (const step of steps) this.#pair.host.do(() => this.#host.apply(step));
  }

  /** Asks for something that the host knows. */
  ask<T>(question: (host: Host) => Sync<T>): Sync<T> {
    return this.#pair.host.do(() => question(this.#host));
  }

  [Symbol.dispose](): void {
    this.#host[Symbol.dispose]();
  }
}

/** A veth pair `veth0` on the host and `eth0` in the pod, both up. */
export const ADD_VETH: readonly (StepOf<"add-veth"> | StepOf<"set-link">)[] = [
  {
    kind: "add-veth",
    name: "veth0",
    mtuBytes: 1380,
    alias: "net ctr eth0 10.9.0.2",
    peer: { name: "eth0" },
  },
  { kind: "set-link", place: "host", name: "veth0", up: true },
  { kind: "set-link", place: "pod", name: "eth0", up: true },
];

/** Removes what {@linkcode ADD_VETH} made. */
export const REMOVE_VETH: Step = { kind: "remove-link", place: "host", name: "veth0" };
