import type { ScoreTerm } from '../targets/resolve.ts';
import { type Activation, ScoreRow } from '../targets/score.ts';
import type { ScoreView } from '../targets/target.ts';
import { distrust } from './int8-check.ts';
import { type SampledErrors, sampledErrors } from './int8-rehearsal.ts';
import { type Int8Outcome, type Int8Version, SHIFT } from './int8-version.ts';
import type { NativeTargets, NativeVariants } from './native-scoring.ts';
import type { ScoringModel } from './scoring-model.ts';
import { type SettledTarget, termsIn } from './target-terms.ts';

/** Changed items that are scored in both precisions: one of so many, within these bounds. */
const ITEMS_PER_SAMPLE = 32;
const SAMPLES = { least: 16, most: 32 } as const;
/** Where in its share of the items a sample is: in even steps, samples might all be the same copy of their masks. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Ranges are those of the unchanged item and of one sample of so many. */
const SAMPLES_PER_RANGE = 2;

/** What an int8 model is opened for. */
export interface Int8Request {
  readonly version: Int8Version;
  readonly variants: NativeVariants;
  readonly count: number;
  readonly classes: number;
  readonly targets: readonly SettledTarget[];
  readonly view: ScoreView | undefined;
  readonly activation: Activation;
  /** See {@link distrust}. */
  readonly random: boolean;
  /** Scores one item of some variants. */
  readonly run: (
    model: ScoringModel,
    variants: NativeVariants,
    item: number,
    targets: NativeTargets,
  ) => Promise<Float64Array>;
  /** Runs at once. */
  readonly threads: number;
}

export interface OpenedInt8 {
  readonly model: ScoringModel;
  readonly moved: Int8Outcome['moved'];
  /** Of each target. */
  readonly errors: readonly SampledErrors[];
}

/**
 * Opens the int8 model for the ranges of the unchanged item and of some of the variants, spread over them. Its logits are
 * shifted so that those of the unchanged item are the float ones: methods compare changed scores with the clean one, which is
 * float.
 * @returns the model, whose session is the caller's to dispose of; or why float is to be used
 */
export async function openInt8(request: Int8Request): Promise<OpenedInt8 | string> {
  const { version, variants, count, classes, targets, view, activation, threads } = request;
  const { values } = version;
  const samples: [NativeVariants, number][] = [[unchanged(variants), 0]];
  const wanted = Math.max(SAMPLES.least, Math.min(SAMPLES.most, Math.round(count / ITEMS_PER_SAMPLE)));
  const drawn = Math.min(count, wanted);
  for (let i = 0; i < drawn; i++) samples.push([variants, Math.floor(((i + ((i * GOLDEN) % 1)) * count) / drawn)]);
  const { observer } = version;
  const plain = { ...observer, output: version.scores };
  const seen = await inTurns(samples, threads, ([of, item], i) =>
    i % SAMPLES_PER_RANGE === 0
      ? request.run(observer, of, item, columnTargets(values + classes))
      : request.run(plain, of, item, columnTargets(classes)),
  );
  const ranges = joinedRanges(seen.filter((_, i) => i % SAMPLES_PER_RANGE === 0).map(row => row.subarray(0, values)));
  if (!ranges) return 'values of its layers are not finite';
  const model = await version.open(ranges);
  try {
    const float = seen.map(row => row.subarray(row.length - classes));
    const int8 = await inTurns(samples, threads, ([of, item]) =>
      request.run(shiftedBy(model, new Float32Array(classes)), of, item, columnTargets(classes)),
    );
    const shift = Float32Array.from(float[0]!, (logit, c) => logit - int8[0]![c]!);
    const scores = (rows: readonly ArrayLike<number>[]) =>
      rows.map(logits => {
        const row = new ScoreRow(Float32Array.from(logits), activation);
        return targets.map(target => row.score({ terms: termsIn(target, view) }));
      });
    const [wantedScores, found] = [scores(float), scores(int8)];
    const reason = distrust(wantedScores, found, request.random);
    if (reason !== undefined) {
      await model.session.dispose();
      return reason;
    }
    const shifted = scores(int8.slice(1).map(row => row.map((logit, c) => logit + shift[c]!)));
    const errors = targets.map((target, t) =>
      sampledErrors(
        wantedScores.slice(1).map(row => row[t]!),
        shifted.map(row => row[t]!),
        activation !== 'none' && isProbability(termsIn(target, view)),
      ),
    );
    const moved = found[0]!.map((score, t) => score - wantedScores[0]![t]!);
    return { model: shiftedBy(model, shift), errors, moved };
  } catch (error) {
    await model.session.dispose();
    throw error;
  }
}

const isProbability = (terms: readonly ScoreTerm[]): boolean =>
  terms.length === 1 && terms[0]!.view === 'probability' && terms[0]!.weight === 1;

function shiftedBy(model: ScoringModel, shift: Float32Array): ScoringModel {
  return {
    ...model,
    fixed: { ...model.fixed, [SHIFT]: { type: 'float32', data: shift, dims: [shift.length] } },
    shared: new Set([...(model.shared ?? []), SHIFT]),
  };
}

/** The unchanged picture (or activations) as the only variant. */
function unchanged(variants: NativeVariants): NativeVariants {
  if (variants.kind === 'pixels') throw new TypeError('pixels are scored in float');
  if (variants.kind !== 'masks') {
    const { activations, dims } = variants;
    return { kind: 'sets', activations, dims, sets: new Uint8Array(dims[0]!).fill(1) };
  }
  const [, height, width] = variants.shape as [number, number, number];
  return {
    ...variants,
    maps: Float32Array.of(1),
    dims: [1, 1, 1],
    select: Uint32Array.of(0),
    canvas: [height, width],
    grid: 0,
    rule: { stretch: 0, epsilon: 0, complement: false },
    background: null,
    scales: Float32Array.of(1),
    noise: { target: 0, deviation: 0, seed: 0 },
    noiseKeys: new Uint32Array(),
    offsets: new Uint32Array(),
  };
}

/** Every column of an output as it is. */
function columnTargets(columns: number): NativeTargets {
  const targets = Array.from({ length: columns }, (_, index) => [{ view: 0, index, weight: 1, opposite: false }]);
  return { sigmoid: false, targets };
}

/** The least and the largest of all, which take turns; undefined where one is not finite. */
function joinedRanges(rows: readonly Float64Array[]): Float64Array | undefined {
  const joined = rows[0]!.map((_, i) => {
    const values = rows.map(row => row[i]!);
    return i % 2 === 0 ? Math.min(...values) : Math.max(...values);
  });
  return joined.every(Number.isFinite) ? joined : undefined;
}

/** So many at once. */
async function inTurns<T, R>(
  items: readonly T[],
  width: number,
  task: (item: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += width)
    results.push(...(await Promise.all(items.slice(i, i + width).map((item, j) => task(item, i + j)))));
  return results;
}
