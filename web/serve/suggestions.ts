/** What the class' field offers. */
export interface Suggestion {
  /** What is asked for. */
  readonly value: string;
  /** What tells it apart from others. */
  readonly text: string;
}

const MOST = 50;
const RANKS: readonly Suggestion[] = [
  { value: 'top1', text: 'the best class' },
  { value: 'top3', text: 'the best three' },
];

/** What `--target` reads as something else than a label: indices, ranks, and `contrast:281,282`. */
const IS_NO_LABEL = /^(-?[\d\s,]+|top-?\d+)$|^[a-z]+[:=]/i;

/**
 * Suggestions for a text: ranks, then labels that hold it, those that begin with it first. What the label alone would not find (as
 * the library looks it up, without regard to case) is asked for by its index.
 * @param labels by index
 */
export function suggester(labels: readonly (string | null)[]): (text: string) => readonly Suggestion[] {
  const classes = labels.map((label, index) => ({ label: label ?? '', index, key: label?.trim().toLowerCase() ?? '' }));
  const counts = new Map<string, number>();
  for (const { key } of classes) counts.set(key, (counts.get(key) ?? 0) + 1);
  const suggestion = ({ label, index, key }: (typeof classes)[number]): Suggestion =>
    counts.get(key) === 1 && !IS_NO_LABEL.test(label.trim())
      ? { value: label, text: `class ${index}` }
      : { value: String(index), text: label };
  return text => {
    const wanted = text.trim().toLowerCase();
    const found = classes.filter(({ key }) => key !== '' && key.includes(wanted));
    const begins = found.filter(({ key }) => key.startsWith(wanted));
    const holds = found.filter(({ key }) => !key.startsWith(wanted));
    return [
      ...RANKS.filter(({ value }) => value.includes(wanted)),
      ...[...begins, ...holds].slice(0, MOST).map(suggestion),
    ];
  };
}
