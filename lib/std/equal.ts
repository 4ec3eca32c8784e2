/** Structural equality, as `equal` of std's assert module documents it. */

/**
 * True when both values have the same structure: own enumerable keys (symbols too), elements,
 * members of maps and sets, and the same class. `NaN` equals itself, `0` is not `-0`, and a key
 * whose value is undefined is not a missing key. Cycles are followed once.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

/** Pairs being compared further up: a cycle that comes back to one adds nothing new. */
type Open = Map<object, Set<object>>;

function compare(a: unknown, b: unknown, open: Open): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || !sameClass(a, b)) return false;
  const partners = open.get(a) ?? new Set<object>();
  if (partners.has(b)) return true;
  open.set(a, partners.add(b));
  const same = sameContent(a, b, open);
  partners.delete(b);
  return same;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Objects without a prototype count as plain ones. */
function sameClass(a: object, b: object): boolean {
  return (Object.getPrototypeOf(a) ?? Object.prototype) ===
    (Object.getPrototypeOf(b) ?? Object.prototype);
}

function sameContent(a: object, b: object, open: Open): boolean {
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError("Cannot compare weak collections: their members cannot be listed");
  }
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
  if (a instanceof WeakRef && b instanceof WeakRef) return compare(a.deref(), b.deref(), open);
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    return compare(new Uint8Array(a), new Uint8Array(b), open);
  }
  if (a instanceof Error && b instanceof Error && !sameError(a, b, open)) return false;
  if (a instanceof Map && b instanceof Map) return sameMembers([...a], [...b], open);
  if (a instanceof Set && b instanceof Set) return sameMembers([...a], [...b], open);
  return sameKeys(a, b, open);
}

/** What an error tells lies in properties that are not enumerable. */
function sameError(a: Error, b: Error, open: Open): boolean {
  return a.name === b.name && a.message === b.message && compare(a.cause, b.cause, open);
}

/** Members in any order: each of `a` takes one of `b` away. */
function sameMembers(a: readonly unknown[], b: readonly unknown[], open: Open): boolean {
  if (a.length !== b.length) return false;
  const rest = new Set(b.keys());
  return a.every((member) => {
    const match = rest.values().find((index) => compare(member, b[index], open));
    return match !== undefined && rest.delete(match);
  });
}

function sameKeys(a: object, b: object, open: Open): boolean {
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false;
  const keys = enumerableKeys(a);
  return keys.length === enumerableKeys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && compare(read(a, key), read(b, key), open));
}

function enumerableKeys(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );
}

function read(value: object, key: PropertyKey): unknown {
  return Reflect.get(value, key);
}
