/** More are kept of no object: parameters may differ from call to call. */
const KEPT = 256;

/**
 * Remembers what a function of an object (a model) and a key gave, as long as the object lives: choices that every call
 * makes again are walks over the whole graph. Errors are not remembered.
 */
export function remembered<O extends object, T>(): (owner: O, key: string, make: () => T) => T {
  const values = new WeakMap<O, Map<string, T>>();
  return (owner, key, make) => {
    let known = values.get(owner);
    if (!known) values.set(owner, (known = new Map()));
    const value = known.get(key);
    if (value !== undefined || known.has(key)) return value as T;
    const made = make();
    known.set(key, made);
    if (known.size > KEPT) known.delete(known.keys().next().value!);
    return made;
  };
}
