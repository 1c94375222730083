import { OnnxCamError } from '../../common/errors.ts';
import { nearestNames } from '../../common/suggest.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import type { Layer } from './layer.ts';

/** What users write: a tensor's or node's name, a negative number, 'auto', 'stages', or several of them. */
export type LayerSpec = string | number | readonly (string | number)[];

/** A layer and why it is the one. */
export interface ChosenLayer extends Layer {
  readonly reason: string;
}

/** Between an activation and these there is no new feature: the activation is preferred. */
const MOVING =
  /^(MaxPool|AveragePool|LpPool|BatchNormalization|LRN|LayerNormalization|Transpose|Pad|Slice|Resize|InstanceNormalization)$/;

/** They put maps together again that were cut into windows or patches. */
const RESTORING = /^(Reshape|DepthToSpace)$/;

/**
 * The automatic choice (docs/methods.md#layers-and-fusion). Of convolutional networks the last spatial tensor that every
 * path to the logits passes through, by preference the output of an activation or a residual sum over what pools,
 * normalises or merely convolves it. Of transformers the normalised tokens that enter the last attention: behind it the patches may be without
 * influence on the logits (where only the class token is read). Of detectors the last activation that the scores at every
 * resolution depend on.
 * @throws OnnxCamError `ERR_NO_SPATIAL_LAYER`
 */
export function chooseLayer(layers: readonly Layer[]): ChosenLayer {
  const last = lastLayer(layers);
  if (!last) throw noSpatialLayer(layers);
  return last;
}

/** As `chooseLayer`; undefined where no layer lies on every path. */
export function lastLayer(layers: readonly Layer[]): ChosenLayer | undefined {
  const joint = layers.find(layer => layer.joint);
  if (joint) return { ...joint, reason: `last layer that the scores of all candidates depend on (${joint.operator})` };
  const entry = lastAttentionEntry(layers);
  if (entry)
    return {
      ...entry,
      reason: `${entry.normalized ? 'normalised ' : ''}input of the last attention (${entry.operator})`,
    };
  const candidates = layers.filter(layer => layer.dominating && layer.read);
  const last = candidates.at(-1);
  if (!last) return undefined;
  const why = 'last spatial layer before the class scores';
  if (last.postActivation) return { ...last, reason: `${why} (${last.operator})` };
  const behind: string[] = [];
  for (let index = candidates.length - 1; index >= 0; index--) {
    const layer = candidates[index]!;
    if (layer.postActivation) {
      const same = layer.spatial.join() === last.spatial.join();
      if (!same && !behind.every(operator => MOVING.test(operator))) break;
      const skipped = `the ${[...new Set(behind.reverse())].join(' and ')}`;
      return {
        ...layer,
        reason: `last spatial activation before the class scores (${layer.operator}), before ${skipped}`,
      };
    }
    // Made anew from windows or patches: the features in between are no layers, but they are the last ones.
    if (RESTORING.test(layer.operator)) break;
    behind.push(layer.operator);
  }
  return { ...last, reason: `${why} (${last.operator}; no activation after it)` };
}

/**
 * The automatic choice, or in a network where no layer lies on every path (an ensemble, a way around) the last layer of each
 * branch, whose maps are fused.
 * @throws OnnxCamError `ERR_NO_SPATIAL_LAYER`
 */
export function chooseAutomatic(layers: readonly Layer[]): ChosenLayer[] {
  const branches = layers.filter(({ branch }) => branch);
  if (branches.length === 0 || layers.some(({ joint }) => joint)) return [chooseLayer(layers)];
  const one = branches.length === 1;
  return branches.map(layer => ({
    ...layer,
    reason:
      layer.dominating && one
        ? `last tokens that every path to the class scores passes through (${layer.operator}); not all of it goes through the last attention`
        : one
          ? `last spatial layer (${layer.operator}); the class scores also depend on the picture by a way around it`
          : `last layer of one of ${branches.length} branches (${layer.operator}): none lies on every path to the class scores`,
  }));
}

/**
 * The layer that stands in for the automatic choice where the network is to be cut at the layer: the one chosen, or if
 * data flows around that (around the normalisation that enters an attention), the residual stream before it.
 */
export function chooseCut(layers: readonly Layer[]): ChosenLayer {
  const chosen = chooseLayer(layers);
  if (chosen.dominating) return chosen;
  const before = layers.slice(
    0,
    layers.findIndex(({ name }) => name === chosen.name),
  );
  const cut = before.findLast(({ dominating }) => dominating);
  return cut ? { ...cut, reason: `residual stream that enters the last attention (${cut.operator})` } : chosen;
}

/** What enters the last attention, unless feature maps that every path passes through come after it. */
function lastAttentionEntry(layers: readonly Layer[]): Layer | undefined {
  const index = layers.findLastIndex(({ attended, read }) => attended && read);
  const entry = layers[index];
  if (!entry) return undefined;
  const mapsAfter = layers
    .slice(index + 1)
    .some(
      ({ dominating, read, layout, operator }) => dominating && read && layout === 'nchw' && !MOVING.test(operator),
    );
  return mapsAfter ? undefined : entry;
}

/** The last activation of every resolution, from the input to the logits: targets of methods that fuse layers. */
export function stageLayers(layers: readonly Layer[]): ChosenLayer[] {
  const branches = layers.filter(({ branch }) => branch);
  const sizes = new Set(branches.map(({ spatial }) => spatial.join('×')));
  const ends = branches.length > 1 && sizes.size === branches.length ? chooseAutomatic(layers) : [chooseLayer(layers)];
  const chosen = ends[0]!;
  const stages = new Map<string, ChosenLayer>();
  for (const layer of layers) {
    if (!layer.dominating || !layer.postActivation || layer.layout !== chosen.layout) continue;
    const size = layer.spatial.join('×');
    stages.delete(size);
    stages.set(size, { ...layer, reason: `last activation at ${size}` });
    if (layer.name === chosen.name) break;
  }
  for (const { spatial } of ends) stages.delete(spatial.join('×'));
  return [...stages.values(), ...ends];
}

/**
 * The layers that a user means.
 * @throws OnnxCamError `ERR_LAYER_NOT_FOUND` with the nearest names, or with the shape when the name is that of a
 * tensor without positions; `ERR_NO_SPATIAL_LAYER` when nothing can be chosen automatically
 */
export function resolveLayers(
  spec: LayerSpec | undefined,
  layers: readonly Layer[],
  graph: Graph,
  facts: FactTable,
): ChosenLayer[] {
  if (Array.isArray(spec)) {
    if (spec.length === 0) throw new OnnxCamError('ERR_OPTION_INVALID', '`layer` is an empty array; name at least one');
    return (spec as readonly (string | number)[]).flatMap(each => resolveLayers(each, layers, graph, facts));
  }
  const named = typeof spec === 'string' ? findByName(spec, layers) : undefined;
  if (named) return [{ ...named, reason: 'named by the caller' }];
  if (spec === undefined || spec === 'auto') return chooseAutomatic(layers);
  if (spec === 'stages') return stageLayers(layers);
  const index = Number(spec);
  if (Number.isInteger(index) && index < 0) {
    const layer = layers.at(index);
    if (layer) return [{ ...layer, reason: `candidate ${index} from the end` }];
    throw new OnnxCamError(
      'ERR_LAYER_NOT_FOUND',
      `layer ${index}: the model has ${layers.length} candidate layers, so -1 to -${layers.length}`,
    );
  }
  throw unknownLayer(String(spec), layers, graph, facts);
}

function findByName(name: string, layers: readonly Layer[]): Layer | undefined {
  return (
    layers.find(layer => layer.name === name) ??
    layers.find(layer => layer.quantizes === name) ??
    layers.findLast(layer => layer.node !== '' && layer.node === name)
  );
}

function unknownLayer(name: string, layers: readonly Layer[], graph: Graph, facts: FactTable): OnnxCamError {
  const tensor = graph.has(name) ? name : graph.nodes.find(node => node.name === name)?.outputs[0];
  if (tensor !== undefined) {
    const shape =
      facts
        .get(tensor)
        ?.dims.map(dim => (dim < 0 ? '?' : dim))
        .join(',') ?? '?';
    return new OnnxCamError(
      'ERR_LAYER_NOT_FOUND',
      `"${name}" is in the model but cannot be explained: its shape is [${shape}]; expected are feature maps [N,C,h,w] with ` +
        'more than one position and channel on the way to the class scores',
    );
  }
  const known = layers.flatMap(layer => (layer.node ? [layer.name, layer.node] : [layer.name]));
  const near = nearestNames(name, [...new Set(known)], 5);
  const hint =
    near.length > 0 ? `did you mean ${near.join(', ')}?` : `there are ${layers.length}, list them with layers()`;
  return new OnnxCamError('ERR_LAYER_NOT_FOUND', `no layer is called "${name}"; ${hint}`);
}

function noSpatialLayer(layers: readonly Layer[]): OnnxCamError {
  return new OnnxCamError(
    'ERR_NO_SPATIAL_LAYER',
    layers.length === 0
      ? 'no tensor between image and class scores has both positions in the order of the picture and channels ([N,C,h,w] with ' +
          'h·w > 1 and C > 1); ' +
          'rise, guided-backprop and fullgrad explain such a model at its input'
      : `none of the ${layers.length} spatial layers lies on every path to the class scores; name one in the option \`layer\``,
  );
}
