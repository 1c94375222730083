import {
  checkPreprocess,
  type PreprocessOptions,
  type ResolvedPreprocess,
  resolvePreprocess,
} from '../image/preprocess-options.ts';
import { PRESET_NAMES, type PresetName } from '../image/presets.ts';
import type { Source } from '../model/file/hugging-face.ts';
import { findOwnScaling, type OwnScaling } from '../model/find/own-scaling.ts';
import type { Model } from '../model/load-model.ts';

/** How pictures become a model's input, and what was taken from where. */
export interface Preprocessing {
  readonly resolved: ResolvedPreprocess;
  readonly notes: readonly string[];
}

/** They describe one range of values together. */
const RANGE: readonly (keyof PreprocessOptions)[] = ['preset', 'mean', 'std', 'scale', 'range'];

/**
 * Joins what the options, the files beside the model and the model itself say, in this order.
 * @throws see `resolvePreprocess`
 */
export function joinPreprocess(options: PresetName | PreprocessOptions | undefined, model: Model): Preprocessing {
  const { layout, stored, ...input } = model.input;
  const picture = { ...input, type: stored, layout: layout === 'nchw' || layout === 'nhwc' ? layout : undefined };
  const notes: string[] = [];
  const sources = model.sources.map(source => fitting(source, model, notes));
  const explicit = [checkPreprocess(model.sidecar.preprocess, 'preprocess of the side file'), checkPreprocess(options)];
  const layers = [...sources.map(({ preprocess }) => preprocess ?? {}), ...explicit];
  sources.forEach(({ from, preprocess, notes: own }, i) => {
    const taken = takenFrom(preprocess ?? {}, layers.slice(i + 1));
    if (taken.length === 0) return;
    notes.push(`preprocessing: ${taken.join(', ')} from ${from}`);
    for (const note of own ?? []) notes.push(`${from}: ${note}`);
  });
  // What is computed with -128..127 first is no range of pictures.
  const own = stored === 'int8' ? undefined : findOwnScaling(model.graph, model.input.name);
  const says = layers.some(layer => RANGE.some(key => layer[key] !== undefined));
  const wanted = own && rangeFor(own.expects, stored);
  if (own && !says && wanted) {
    layers.unshift(wanted.options);
    // Whole numbers go in as 0..255 anyway.
    if (!stored.includes('int') || own.expects !== 'raw')
      notes.push(
        `preprocessing: the graph itself ${own.does}, so pictures go in as ${wanted.shown}; give \`preprocess\` where that is wrong`,
      );
  }
  if (own?.isBgr && layers.every(layer => layer.channelOrder === undefined)) {
    layers.unshift({ channelOrder: 'bgr' });
    notes.push(
      `preprocessing: the graph itself ${own.does}, which are ImageNet's means of blue, green and red, so channels go in in this ` +
        "order (channelOrder 'bgr'); give preprocess.channelOrder where that is wrong",
    );
  }
  if (!own && !says) {
    notes.push(...withoutEvidence(stored, layers));
    const elsewhere = model.sources.find(({ isElsewhere }) => isElsewhere);
    if (elsewhere) notes.push(`preprocessing: ${elsewhere.from} is not read; copy it into the model's folder`);
  }
  const [last = {}, ...rest] = layers.reverse();
  const resolved = resolvePreprocess(last, picture, ...rest.reverse());
  if (own && says && wanted && !agrees(resolved, own.expects))
    notes.push(
      `preprocessing: the graph itself ${own.does}, and pictures are normalised before as well; if that is once too often, let ` +
        `them go in as ${wanted.shown}`,
    );
  return { resolved, notes };
}

/** How pictures become what a graph expects, for inputs that can hold it. */
function rangeFor(
  expects: OwnScaling['expects'],
  stored: string,
): { readonly options: PreprocessOptions; readonly shown: string } | undefined {
  if (typeof expects === 'number') {
    if (/int8$/.test(stored)) return undefined;
    return { options: { mean: 0, std: 1 / expects }, shown: `0..${Number(expects.toPrecision(5))}` };
  }
  if (stored.includes('int') && expects !== 'raw') return undefined;
  return { options: { preset: expects }, shown: `${SHOWN[expects]} (preset '${expects}')` };
}

const SHOWN = { raw: '0..255', unit: '0..1', inception: '-1..1', imagenet: "ImageNet's mean and deviation have them" };

/** What is taken where nothing is said, and by which words that can be changed. */
function withoutEvidence(stored: string, layers: PreprocessOptions[]): string[] {
  if (stored === 'int8') {
    layers.unshift({ mean: 128 / 255, std: 1 / 255 });
    return [
      'preprocessing: the input holds -128..127, so pixels (0..255) go in less 128; preprocess.mean, std and scale say so where the network expects others',
    ];
  }
  if (stored.includes('int')) return [];
  return [
    "preprocessing: nothing says which values the network was trained on, so ImageNet's mean and deviation were taken " +
      `(preset 'imagenet'); \`preprocess\` (--preset ${PRESET_NAMES.join(', ')}) settles it`,
  ];
}

/** Without a size that the model's own contradicts. */
function fitting(source: Source, { input }: Model, notes: string[]): Source {
  const size = source.preprocess?.size;
  if (!size || (size[0] === (input.width ?? size[0]) && size[1] === (input.height ?? size[1]))) return source;
  const own = `${input.width ?? 'any'}x${input.height ?? 'any'}`;
  notes.push(`${source.from} says ${size.join('x')}, the model's input is fixed at ${own}: the model's was taken`);
  const { size: _, resize: __, ...rest } = source.preprocess!;
  return { ...source, preprocess: rest };
}

/** What a layer says and no later one does. */
function takenFrom(layer: PreprocessOptions, later: readonly PreprocessOptions[]): string[] {
  const overRange = later.some(one => RANGE.some(key => one[key] !== undefined && key !== 'range'));
  return Object.keys(layer).filter(key => {
    if (RANGE.includes(key as keyof PreprocessOptions)) return !overRange;
    return later.every(one => one[key as keyof PreprocessOptions] === undefined);
  });
}

/** Whether pictures go in with about the values that the graph works on. */
function agrees({ mean, std, scale, range, preset }: ResolvedPreprocess, expects: OwnScaling['expects']): boolean {
  const white = range ? (preset === 'raw' ? 255 : 1) : 255 * scale;
  const [low, high] = [(0 - mean[0]!) / std[0]!, (white - mean[0]!) / std[0]!];
  if (expects === 'imagenet') return low < -1 && high > 1;
  if (expects === 'inception') return Math.abs(low + 1) < 0.2 && Math.abs(high - 1) < 0.2;
  const least = expects === 'raw' ? 100 : expects === 'unit' ? 0 : expects / 4;
  return Math.abs(low) < 1e-6 && high > least && (expects !== 'unit' || high <= 2);
}
