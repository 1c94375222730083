import {
  checkPreprocess,
  type PreprocessOptions,
  type PresetName,
  type ResolvedPreprocess,
  resolvePreprocess,
} from '../image/preprocess-options.ts';
import type { Source } from '../model/file/hugging-face.ts';
import { findOwnScaling } from '../model/find/own-scaling.ts';
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
  const own = stored.includes('int') ? undefined : findOwnScaling(model.graph, model.input.name);
  const says = layers.some(layer => RANGE.some(key => layer[key] !== undefined));
  if (own && !says) {
    layers.unshift({ preset: own.expects });
    notes.push(
      `preprocessing: the graph itself ${own.does}, so pictures go in as ${own.expects === 'raw' ? '0..255' : '0..1'} ` +
        `(preset '${own.expects}'); give \`preprocess\` where that is wrong`,
    );
  }
  const [last = {}, ...rest] = layers.reverse();
  const resolved = resolvePreprocess(last, picture, ...rest.reverse());
  if (own && says && !agrees(resolved, own.expects))
    notes.push(
      `preprocessing: the graph itself ${own.does}, and pictures are normalised before as well; where the network expects ` +
        `${own.expects === 'raw' ? '0..255' : '0..1'}, preset '${own.expects}' is right`,
    );
  return { resolved, notes };
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
function agrees({ mean, std, scale, range, preset }: ResolvedPreprocess, expects: 'raw' | 'unit'): boolean {
  const white = range ? (preset === 'raw' ? 255 : 1) : 255 * scale;
  const [low, high] = [(0 - mean[0]!) / std[0]!, (white - mean[0]!) / std[0]!];
  return Math.abs(low) < 1e-6 && (expects === 'raw' ? high > 100 : high <= 2);
}
