// Values as people read them.

/** A class by its label, else by its index. */
export { className, percent, plural } from '../../lib/cli/text.ts';

/** "Sunflower-field-in-2019-small-0034.jpg" → "Sunflower-f…all-0034.jpg": what tells files apart is at both ends. */
export function middleCut(text: string, most = 26): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  const tail = Math.ceil((most - 1) / 2);
  return `${characters.slice(0, most - 1 - tail).join('')}…${characters.slice(-tail).join('')}`;
}

/** The file's name of a path. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) || path;
}

/** Three digits that say something. */
export function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
