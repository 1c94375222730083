/** A part of a run: of a shard, or of a chunk of a queue. */
export interface ManifestPart {
  /** From 0 to count - 1, or of a shard from 1 to count. */
  readonly index: number;
  readonly count: number;
}

/** The name of a run's manifest: `manifest.jsonl`, of a part `manifest-IofN.jsonl`. */
export function manifestName(part?: ManifestPart): string {
  return part === undefined ? 'manifest.jsonl' : `manifest-${part.index}of${part.count}.jsonl`;
}

/** Which part a file's name stands for: null for that of a whole run, undefined for the name of no manifest. */
export function manifestPart(name: string): ManifestPart | null | undefined {
  if (name === manifestName()) return null;
  const [, index, count] = /^manifest-(0|[1-9]\d{0,8})of([1-9]\d{0,8})\.jsonl$/.exec(name) ?? [];
  if (index === undefined || Number(index) > Number(count)) return undefined;
  return { index: Number(index), count: Number(count) };
}

/** Parts that are counted from 0 and from 1 are the same ones: the last of the latter is the first of the former. */
export const placeOf = ({ index, count }: ManifestPart): number => index % count;
