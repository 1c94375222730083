import { normalize, resize } from '../kernels/maps.ts';
import { blurPicture } from '../kernels/picture-values.ts';
import { placeMaps } from '../kernels/place-maps.ts';
import type { Maps } from '../kernels/types.ts';
import { PatchCanvas, type PatchPlace } from './support/patch-canvas.ts';
import { fromPlanes, planesOf, windowChange } from './support/planes.ts';
import {
  type ChangedInput,
  defineTechnique,
  type InputScores,
  type Merged,
  type TechniqueSubject,
} from './technique.ts';

/** cv2.GaussianBlur(map, (11, 11), sigmaX=5, sigmaY=5). */
const BLUR = gaussian(11, 5);

/**
 * SESS: the map is put together of those of windows of enlarged inputs, each times the probability of the class in its window (of
 * what is no class: its score's positive part). pytorch-grad-cam's convention stretches the result once more, as that tool does; the
 * paper's does not.
 */
export const sess = defineTechnique({
  name: 'sess',
  title: 'SESS',
  paper: 'arXiv:2207.01769',
  cost: 'windows·F + (1 − ratio)·windows·M',
  params: {
    scales: {
      type: 'integer',
      default: 12,
      min: 1,
      max: 64,
      description: "sizes of the input: the shorter side's, and so many more, each larger by 2/7 of it",
    },
    ratio: {
      type: 'number',
      default: 0,
      min: 0,
      max: 0.999,
      description: 'share of the windows that are left out, those of the lowest scores',
    },
    fuse: {
      type: 'string',
      values: ['mean', 'max'],
      default: 'mean',
      description: 'mean of what the windows give where it is positive, or the largest',
    },
    smooth: { type: 'boolean', default: true, description: 'a Gaussian of 11 × 11 pixels, σ = 5, over the result' },
  },
  needs: { scores: true },
  async apply(subject, params) {
    const { scales, ratio, fuse, smooth } = params as { scales: number; ratio: number; fuse: Fuse; smooth: boolean };
    const windows = windowsOf(subject, scales);
    const dropped = Math.floor(windows.length * ratio);
    const known = dropped > 0 ? await scoresOf(subject, windows) : undefined;
    let canvases = await drawn(subject, windows, { fuse, dropped, known });
    // Where no window shows the class at all, none counts more than another.
    const even = canvases[0]!.weightless;
    if (even.length > 0) canvases = await drawn(subject, windows, { fuse, dropped, known, even });
    return Promise.all(
      canvases.map(async (canvas, s): Promise<Merged> => {
        const maps = canvas.result();
        const blurred = smooth ? await smoothed(maps) : maps;
        const isStretched = subject.slots[s]!.convention === 'pytorch-grad-cam';
        return { finished: isStretched ? await normalize(blurred, { kind: 'pgc' }) : blurred };
      }),
    );
  },
});

type Fuse = 'mean' | 'max';

/**
 * Windows of every size of the input, w0 × w0 with w0 its shorter side, side by side; the last of a row or column lies at the border. Of
 * models of one size that is not square windows have the model's.
 */
function windowsOf({ size, fixedSize }: TechniqueSubject, scales: number): PatchPlace[] {
  const { width, height } = size;
  const short = Math.min(width, height);
  const window = fixedSize ? { width, height } : { width: short, height: short };
  // Python's round of w0 · 2/7, which is never half a pixel.
  const step = Math.round((short * 2) / 7);
  return Array.from({ length: scales }, (_, i) => short + i * step).flatMap(side => {
    const image = { width: scaled(width, side, short), height: scaled(height, side, short) };
    return starts(image.height, window.height).flatMap(y =>
      starts(image.width, window.width).map(x => ({ image, window, x, y })),
    );
  });
}

const scaled = (length: number, side: number, short: number): number => Math.trunc((length * side) / short);

function starts(length: number, window: number): number[] {
  const all: number[] = [];
  for (let start = 0; start + window < length; start += window) all.push(start);
  return [...all, length - window];
}

/** Each window's input, and how the subject's lies in it. The enlarged input is sampled where the window lies, bilinearly, and not held. */
async function* inputsOf(subject: TechniqueSubject, windows: readonly PatchPlace[]): AsyncGenerator<ChangedInput> {
  const { tensor, layout, size } = subject;
  const planes = planesOf(tensor, layout);
  for (const { image, window, x, y } of windows) {
    const isWhole = image.width === size.width && image.height === size.height;
    if (isWhole && window.width === size.width && window.height === size.height) {
      yield { tensor };
      continue;
    }
    const [across, down] = [size.width / image.width, size.height / image.height];
    const own = await placeMaps(
      planes,
      { length: window.width, scale: across, offset: x * across, begin: 0, end: window.width },
      { length: window.height, scale: down, offset: y * down, begin: 0, end: window.height },
    );
    yield {
      tensor: fromPlanes(own, tensor, layout),
      change: windowChange(size, image, { ...window, x, y }),
    };
  }
}

async function scoresOf(subject: TechniqueSubject, windows: readonly PatchPlace[]): Promise<number[][]> {
  const all: number[][] = [];
  for await (const scores of subject.scores(inputsOf(subject, windows), windows.length, [0, 0.5]))
    all.push(weightsOf(scores));
  return all;
}

/** Of each target. */
const weightsOf = ({ targets }: InputScores): number[] =>
  targets.map(({ score, probability }) => probability ?? Math.max(0, score));

interface Drawing {
  readonly fuse: Fuse;
  readonly dropped: number;
  /** Of each window that of each target, where windows are left out. */
  readonly known: readonly (readonly number[])[] | undefined;
  /** Targets all of whose weights are 1. */
  readonly even?: readonly number[];
}

/** The windows' maps of each slot, put together. */
async function drawn(
  subject: TechniqueSubject,
  windows: readonly PatchPlace[],
  { fuse, dropped, known, even }: Drawing,
): Promise<PatchCanvas[]> {
  const kept = known && keptOf(known, dropped);
  const used = windows.flatMap((_, i) => (!kept || kept.some(own => own.has(i)) ? [i] : []));
  const own = used.map(i => windows[i]!);
  const canvases = subject.slots.map(() => new PatchCanvas(subject.size, fuse));
  let next = 0;
  for await (const { maps, scores } of subject.explain(inputsOf(subject, own), own.length, known ? [0.5, 1] : [0, 1])) {
    const i = used[next++]!;
    const weights = weightsOf(scores!).map((weight, t) => {
      if (kept && !kept[t]!.has(i)) return undefined;
      return even?.includes(t) ? 1 : weight;
    });
    const { window } = windows[i]!;
    for (const [s, { finished }] of maps.entries())
      await canvases[s]!.draw(await resize(finished, { ...window, interpolation: 'bilinear' }), windows[i]!, weights);
  }
  return canvases;
}

/** For each target its windows without the lowest; of equal ones the first are left out. */
function keptOf(known: readonly (readonly number[])[], dropped: number): Set<number>[] {
  return known[0]!.map((_, t) => {
    const order = known.map((_, i) => i).sort((a, b) => known[a]![t]! - known[b]![t]! || a - b);
    return new Set(order.slice(dropped));
  });
}

async function smoothed(maps: Maps): Promise<Maps> {
  const [channels, height, width] = maps.dims;
  const shape = { channels, height, width, channelsLast: false };
  return { ...maps, data: await blurPicture(maps.data, shape, BLUR, 'reflect') };
}

function gaussian(length: number, sigma: number): Float64Array {
  const middle = (length - 1) / 2;
  const kernel = Float64Array.from({ length }, (_, i) => Math.exp(-((i - middle) ** 2) / (2 * sigma * sigma)));
  const sum = kernel.reduce((a, b) => a + b);
  return kernel.map(value => value / sum);
}
