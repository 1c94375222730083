import { isRecord } from '../common/checks.ts';

/** More classes than any list has; keeps a damaged file from asking for memory. */
const MOST = 2 ** 20;

/**
 * Class names from JSON in the shapes that people have: `["cat", …]`, `{"0": "cat"}`, `{"0": ["n02123045", "tabby"]}`,
 * `{"cat": 0}`, `[{"id": 0, "name": "cat"}]`, and these under `id2label`, `label2id`, `names`, `labels`, `classes` or
 * `categories`. Indices that are left out get their number as a name. undefined for anything else.
 */
export function namesFromJson(value: unknown): string[] | undefined {
  if (Array.isArray(value)) return fromArray(value);
  if (!isRecord(value)) return undefined;
  for (const key of ['id2label', 'label2id', 'names', 'labels', 'classes', 'categories'])
    if (typeof value[key] === 'object' && value[key] !== null) return namesFromJson(value[key]);
  const entries = Object.entries(value);
  if (entries.length === 0) return undefined;
  if (entries.every(([index]) => /^\d+$/.test(index)))
    return placed(entries.map(([index, item]) => [Number(index), nameOf(item)]));
  const isIndex = (item: unknown) => Number.isInteger(item) || (typeof item === 'string' && /^\d+$/.test(item));
  return entries.every(([, item]) => isIndex(item))
    ? placed(entries.map(([name, index]) => [Number(index), name]))
    : undefined;
}

function fromArray(items: readonly unknown[]): string[] | undefined {
  if (items.length > 0 && items.every(isRecord) && items.every(item => Number.isInteger(item.id ?? item.index)))
    return placed(items.map(item => [Number(item.id ?? item.index), nameOf(item)]));
  const names = items.map(nameOf);
  return names.every(name => name !== undefined) && names.length > 0 ? (names as string[]) : undefined;
}

/** A text; of `[id, name]`, as ImageNet's lists have it, the last; of an object its name. */
function nameOf(item: unknown): string | undefined {
  if (typeof item === 'string') return item;
  if (Array.isArray(item)) return nameOf(item.at(-1));
  return isRecord(item) ? nameOf(item.name ?? item.label) : undefined;
}

function placed(entries: readonly (readonly [index: number, name: string | undefined])[]): string[] | undefined {
  const count = entries.reduce((most, [index]) => Math.max(most, index + 1), 0);
  const fits = entries.every(([index, name]) => index >= 0 && name !== undefined);
  if (!fits || count > MOST || new Set(entries.map(([index]) => index)).size < entries.length) return undefined;
  const names = Array.from({ length: count }, (_, index) => String(index));
  for (const [index, name] of entries) names[index] = name!;
  return names;
}
