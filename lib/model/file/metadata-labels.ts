import { namesFromJson } from '../../targets/label-shapes.ts';
import { metadataNames, namesFromPython } from '../find/class-names.ts';
import type { Source } from './hugging-face.ts';

/** Keys that people write class names under, and those of the characters that a recogniser of text knows. */
const CLASSES = [
  ...['names', 'labels', 'label', 'classes', 'class_names', 'classNames', 'label_names', 'class_labels', 'categories'],
  ...['id2label', 'idx_to_class', 'index_to_class', 'label2id', 'class_to_idx'],
];
const CHARACTERS = ['character', 'characters', 'character_dict', 'charset', 'alphabet', 'dictionary'];

/**
 * Class names in a model's metadata, in the forms that people write: JSON, Python's lists and dictionaries, one a line,
 * separated by commas or semicolons; of characters also a word of them. Whether they are names of the output's classes, their
 * number has to tell.
 */
export function readMetadataLabels(metadata: ReadonlyMap<string, string>): Source | undefined {
  // Ultralytics' own form is the file's own word on its classes already.
  const known = metadataNames(metadata) !== undefined;
  for (const key of [...CLASSES, ...CHARACTERS]) {
    const text = metadata.get(key);
    if (text === undefined || (known && key === 'names')) continue;
    const characters = CHARACTERS.includes(key);
    const labels = namesOf(text, characters);
    if (labels)
      return { from: `the model's metadata ("${key}")`, labels, fitting: characters ? 'characters' : 'classes' };
  }
  return undefined;
}

function namesOf(text: string, characters: boolean): readonly string[] | undefined {
  const trimmed = text.trim();
  if (/^[{[]/.test(trimmed)) {
    const names = fromJson(trimmed) ?? namesFromPython(trimmed);
    if (names) return names;
  }
  // A space may be a character of its own, so that only the line breaks at the ends go.
  const lines = text.replace(/^[\r\n]+|[\r\n]+$/g, '').split(/\r?\n/);
  if (lines.length > 1) return characters ? lines : lines.map(line => line.trim());
  if (characters) return [...trimmed].length > 1 ? [...trimmed] : undefined;
  const parts = trimmed.split(trimmed.includes(';') ? ';' : ',').map(part => part.trim());
  return parts.length > 1 && parts.every(part => part !== '') ? parts : undefined;
}

function fromJson(text: string): readonly string[] | undefined {
  try {
    return namesFromJson(JSON.parse(text));
  } catch {
    // Python's quotes, or something else altogether.
    return undefined;
  }
}
