import { inNetns, type Netns, openNetns, type Sync } from "./netns.ts";
import { RouteSocket } from "./route_socket.ts";

/** A network namespace that we work on: our own, or a pod's. */
export class Namespace implements Disposable {
  /** rtnetlink of this namespace. */
  readonly routes: RouteSocket;
  readonly #netns: Netns | undefined;

  private constructor(routes: RouteSocket, netns?: Netns) {
    this.routes = routes;
    this.#netns = netns;
  }

  /**
   * Opens the namespace at a path, or without one our own.
   * @throws ConfigError `invalid-netns` when the path leads to no network namespace; KernelError.
   */
  static open(path?: string): Namespace {
    if (path === undefined) return new Namespace(RouteSocket.open());
    using opened = new DisposableStack();
    const netns = opened.use(openNetns(path));
    const namespace = new Namespace(inNetns(netns, () => RouteSocket.open()), netns);
    opened.move();
    return namespace;
  }

  /** File descriptor of another namespace than our own. */
  get netnsFd(): number | undefined {
    return this.#netns?.fd;
  }

  /** Runs synchronous work with the thread inside, see {@linkcode inNetns} for what may run. */
  run<T>(fn: () => Sync<T>): Sync<T> {
    return this.#netns ? inNetns(this.#netns, fn) : fn();
  }

  [Symbol.dispose](): void {
    this.routes[Symbol.dispose]();
    this.#netns?.[Symbol.dispose]();
  }
}
