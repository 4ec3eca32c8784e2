/**
 * What the client of the runtime uses of `@grpc/grpc-js` and `@grpc/proto-loader`. Their own types
 * would bring those of Node into every file that is checked with them.
 */

/** A method, as `@grpc/proto-loader` makes it of a `.proto` file. */
export interface MethodDefinition {
  readonly path: string;
  readonly requestSerialize: (value: object) => Uint8Array;
  readonly responseDeserialize: (bytes: Uint8Array) => object;
}

/** Methods by name. */
export type ServiceDefinition = Readonly<Record<string, MethodDefinition>>;

/** Services by name; messages have a `format`. */
export type PackageDefinition = Readonly<
  Record<string, ServiceDefinition | { readonly format: string }>
>;

/** Reads a `.proto` file. */
export function loadSync(
  file: string,
  options: {
    readonly keepCase: boolean;
    readonly defaults: boolean;
    readonly longs: NumberConstructor;
  },
): PackageDefinition;

/** A failed call has one of these as its `code`. */
export const status: { readonly DEADLINE_EXCEEDED: number; readonly UNAVAILABLE: number };

/** How a connection is secured. */
export const credentials: { createInsecure(): object };

/** Headers of a call. */
export class Metadata {}

/** A connection that is made when it is needed. */
export class Client {
  constructor(
    address: string,
    credentials: object,
    options: Readonly<Record<string, string | number>>,
  );
  waitForReady(deadlineMs: number, callback: (error?: Error) => void): void;
  makeUnaryRequest(
    path: string,
    serialize: MethodDefinition["requestSerialize"],
    deserialize: MethodDefinition["responseDeserialize"],
    argument: object,
    metadata: Metadata,
    options: { readonly deadline: number },
    callback: (error: Error | null, value?: object) => void,
  ): void;
  close(): void;
}
