import { OnnxCamError } from '../common/errors.ts';
import { didYouMean } from '../common/suggest.ts';

/**
 * Of names whose number has to tell whether they are an output's: `characters` leave out the blank before them, and perhaps
 * the space behind them, of recognisers trained with CTC (PaddleOCR).
 */
export type LabelsFitting = 'classes' | 'characters';

/** Lookup of class names: whole labels first, then their comma-separated synonyms; both without regard to case. */
export class Labels {
  readonly names: readonly string[];
  /** A file that was not asked for but found, for people. */
  readonly from: string | undefined;
  /** None: they are the user's word, whatever their number. */
  readonly fitting: LabelsFitting | undefined;
  readonly #fitted = new Map<number, Labels>();
  readonly #whole = new Map<string, number[]>();
  readonly #synonyms = new Map<string, number[]>();

  constructor(names: readonly string[], from?: string, fitting?: LabelsFitting) {
    this.names = names;
    this.from = from;
    this.fitting = fitting;
    names.forEach((name, index) => {
      add(this.#whole, name, index);
      if (name.includes(',')) for (const synonym of new Set(name.split(','))) add(this.#synonyms, synonym, index);
    });
  }

  /** Those of an output with this many classes; undefined where they cannot be. */
  of(classes: number): Labels | undefined {
    const missing = classes - this.names.length;
    if (this.fitting === undefined || missing === 0) return this;
    if (this.fitting !== 'characters' || (missing !== 1 && missing !== 2)) return undefined;
    let fitted = this.#fitted.get(classes);
    if (!fitted) {
      fitted = new Labels(['blank', ...this.names, ...(missing === 2 ? [' '] : [])], this.from);
      this.#fitted.set(classes, fitted);
    }
    return fitted;
  }

  /**
   * @throws `ERR_TARGET_UNKNOWN` when no class or more than one has this name.
   */
  indexOf(label: string): number {
    const key = normalise(label);
    const found = this.#whole.get(key) ?? this.#synonyms.get(key) ?? [];
    if (found.length === 1) return found[0]!;
    if (found.length > 1)
      throw new OnnxCamError(
        'ERR_TARGET_UNKNOWN',
        `the label '${label}' fits more than one class: ${found.map(index => `${index} (${this.names[index]})`).join(', ')}; give the index`,
      );
    const known = [...new Set([...this.#whole.keys(), ...this.#synonyms.keys()])];
    throw new OnnxCamError('ERR_TARGET_UNKNOWN', `no class is called '${label}'${didYouMean(label, known)}`);
  }
}

function normalise(text: string): string {
  return text.trim().toLowerCase();
}

function add(map: Map<string, number[]>, name: string, index: number): void {
  const key = normalise(name);
  const list = map.get(key);
  if (!list) map.set(key, [index]);
  // Indices come in order.
  else if (list.at(-1) !== index) list.push(index);
}
