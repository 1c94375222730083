// Values as people read them.

/** A class by its label, else by its index. */
export { className, percent, plural } from '../../lib/cli/tell/text.ts';

/** The file's name of a path. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) || path;
}

/** Three digits that say something. */
export function shortNumber(value: number): string {
  return minus(String(Number.isInteger(value) ? value : Number(value.toPrecision(3))));
}

/** A p-value with two digits. */
export function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : String(Number(p.toPrecision(2)));
}

/** A date of ISO 8601, to the minute, in UTC. */
export function minute(iso: string): string {
  return iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*$/, '$1 $2 UTC');
}

/** Numbers with the sign that they are printed with. */
export function minus(text: string): string {
  return text.replaceAll('-', '−');
}

/** A printed number with its sign; zero has none. */
export function signed(number: string): string {
  const value = Number(number);
  if (value === 0) return number.replace('-', '');
  return value > 0 ? `+${number}` : minus(number);
}

/** Parameters of a maker, which are JSON, with fewer signs: `topK 32, techniques [{name smooth-grad}]`. */
export function paramsWords(params: string): string {
  return params
    .replace(/^\{(.*)\}$/s, '$1')
    .replaceAll('"', '')
    .replaceAll(',', ', ')
    .replaceAll(':', ' ');
}
