/** What the class' field offers. */
export interface Suggestion {
  /** What is asked for. */
  readonly value: string;
  /** What tells it apart from others. */
  readonly text: string;
}

const MOST = 50;

/** Read by the command line as something else than a label: `-t`. */
const IS_NO_LABEL = /^(-?\d+|top-?\d+)$|^[a-z]+[:=]/i;

/**
 * Ranks, then labels that hold the text, those that begin with it first. What the label alone would not find is asked for by its index.
 * @param labels by index
 */
export function suggestionsFor(text: string, labels: readonly (string | null)[]): readonly Suggestion[] {
  const wanted = text.trim().toLowerCase();
  const ranks = ['top1', 'top3'].filter(rank => rank.includes(wanted)).map(value => ({ value, text: RANKS[value]! }));
  const begins: Suggestion[] = [];
  const holds: Suggestion[] = [];
  for (const [index, label] of labels.entries()) {
    if (label === null) continue;
    const lower = label.toLowerCase();
    if (!lower.includes(wanted)) continue;
    const isPlain =
      !IS_NO_LABEL.test(label) && label.trim() === label && labels.indexOf(label) === labels.lastIndexOf(label);
    const suggestion = isPlain ? { value: label, text: `class ${index}` } : { value: String(index), text: label };
    (lower.startsWith(wanted) ? begins : holds).push(suggestion);
    if (begins.length >= MOST) break;
  }
  return [...ranks, ...begins, ...holds].slice(0, MOST);
}

const RANKS: Readonly<Record<string, string>> = { top1: 'the best class', top3: 'the best three' };
