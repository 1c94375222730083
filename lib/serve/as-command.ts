import type { ModelSource } from './held-model.ts';
import type { Question } from './question.ts';

/** A question as `onnx-cam explain` is asked it, for shells as POSIX has them. */
export function asCommand({ path, args }: ModelSource, picture: string, question: Question): string {
  const { method, layer, target, techniques, seed } = question;
  const options = [
    ...writtenOption('method', method),
    ...(target === 'top1' ? [] : writtenOption('target', target)),
    ...(layer === undefined ? [] : writtenOption('layer', String(layer))),
    ...(techniques.length === 0 ? [] : writtenOption('technique', techniques.join(','))),
    ...(seed === undefined ? [] : writtenOption('seed', String(seed))),
  ];
  const words = ['npx', 'onnx-cam', 'explain', asFile(path), asFile(picture), ...options, ...args];
  return words.map(quoted).join(' ');
}

/** What begins with a hyphen would be an option of its own. */
export const writtenOption = (name: string, value: string): string[] =>
  value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value];

/** A file of the working directory is one whatever its name begins with; a glob's characters are read as names first. */
const asFile = (path: string): string => (path.startsWith('-') ? `./${path}` : path);

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
