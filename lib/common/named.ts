/**
 * What an object holds under a name that comes from a file: its own, not what every object has under names such as
 * "constructor".
 */
export function named<T>(object: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return object && Object.hasOwn(object, name) ? object[name] : undefined;
}
