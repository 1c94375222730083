import { OnnxCamError } from '../common/errors.ts';
import type { MethodDefinition } from '../methods/definition.ts';
import { isAffineTail } from '../model/find/affine-tail.ts';
import { biasedTensors } from '../model/find/biases.ts';
import { type ChosenLayer, chooseCut, type LayerSpec, resolveLayers } from '../model/find/choose-layer.ts';
import type { Model } from '../model/load-model.ts';
import type { FeatureLayout } from '../plan/conversions.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import { MOST_PREFIX } from '../plan/target-layer.ts';
import { chooseAttentions } from './attentions.ts';

/**
 * The layers a method works on. CAM is defined on the input of the global pooling alone; 'auto' is one layer for
 * methods defined on one, and the stages for those defined on several.
 * @throws `ERR_LAYER_NOT_FOUND`, `ERR_NO_SPATIAL_LAYER`, `ERR_METHOD_UNSUPPORTED`
 */
export function chooseLayers(
  model: Model,
  definition: MethodDefinition,
  spec: LayerSpec | undefined,
  tokens: { readonly grid?: readonly [number, number]; readonly prefix?: number } | undefined,
): TargetLayer[] {
  if (definition.needs.attention) return chooseAttentions(model, definition, spec);
  if (definition.scope === 'graph')
    return definition.reads === 'biased' ? [inputLayer(model), ...biasedLayers(model)] : [inputLayer(model)];
  const automatic = spec === undefined || spec === 'auto';
  const wanted = automatic ? (definition.scope === 'layers' ? 'stages' : 'auto') : spec;
  if (definition.needs.scores?.includes('block'))
    return chooseBlock(model, definition, automatic ? undefined : spec, tokens);
  const [first] = model.automatic;
  const single = model.automatic.length === 1 && (!first!.branch || first!.dominating);
  const cut = wanted === 'auto' && (definition.needs.scores ?? []).includes('tail') && single;
  const layers = findLayers(model, wanted, cut, tokens);
  for (const layer of layers) refuseVolumes(definition, layer);
  return layers;
}

function findLayers(
  model: Model,
  wanted: LayerSpec,
  cut: boolean,
  tokens: { readonly grid?: readonly [number, number]; readonly prefix?: number } | undefined,
): TargetLayer[] {
  const layers = cut ? [chooseCut(model.layers)] : resolveLayers(wanted, model.layers, model.graph, model.facts);
  const names = new Set(layers.map(({ name }) => name));
  // In the order of the network, whatever the order in which they were named: some methods tell shallow layers from deep ones.
  const place = ({ name }: ChosenLayer) => model.layers.findIndex(layer => layer.name === name);
  const unique = [...names].map(name => layers.find(layer => layer.name === name)!).sort((a, b) => place(a) - place(b));
  return unique.map(({ layout: _layout, tokens: _tokens, ...layer }, i) => ({
    ...layer,
    ...featureLayout(unique[i]!, model, tokens),
    affine: isAffineTail(model.graph, layer.name, model.logits.tensor),
  }));
}

function biasedLayers({ graph, facts, input, logits }: Model): TargetLayer[] {
  return biasedTensors(graph, facts, input.name, logits.tensor).map(({ name, node, operator, bias }) => {
    const shape = facts.get(name)!.dims;
    return {
      name,
      node,
      operator,
      shape,
      layout: 'nchw',
      channels: bias.length,
      spatial: shape.slice(2),
      dominating: false,
      postActivation: false,
      normalized: false,
      attended: false,
      read: true,
      affine: false,
      bias,
      reason: 'a layer with a bias',
    };
  });
}

/**
 * The model's input as a layer.
 * @throws `ERR_METHOD_UNSUPPORTED` for volumes and clips
 */
export function inputLayer({ input, facts }: Model): TargetLayer {
  if (input.layout === 'ncdhw' || input.layout === 'ntchw')
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `maps at the input are made for pictures, this model takes ${input.layout === 'ncdhw' ? 'volumes' : 'clips'}`,
    );
  const shape = facts.get(input.name)!.dims;
  return {
    name: input.name,
    node: '',
    operator: 'Input',
    shape,
    layout: input.layout,
    channels: input.channels,
    spatial: input.layout === 'nhwc' ? shape.slice(1, 3) : shape.slice(2),
    dominating: true,
    postActivation: false,
    normalized: false,
    attended: false,
    read: true,
    affine: false,
    reason: 'the input itself',
  };
}

/**
 * The residual stream that enters a transformer's block, and its normalisation: the last block, or the one that starts
 * with the layer that is named.
 * @throws `ERR_METHOD_UNSUPPORTED` for layers that are no normalised tokens before an attention
 */
function chooseBlock(
  model: Model,
  definition: MethodDefinition,
  spec: LayerSpec | undefined,
  tokens: { readonly grid?: readonly [number, number]; readonly prefix?: number } | undefined,
): TargetLayer[] {
  const resolved = resolveLayers(spec, model.layers, model.graph, model.facts);
  if (spec === undefined && resolved.length > 1)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} works on one stream of tokens, and this model has ${resolved.length} branches: name one of their layers ` +
        `in the option \`layer\` (${resolved.map(({ name }) => `"${name}"`).join(', ')})`,
    );
  const entry = resolved.at(-1)!;
  const before = model.layers.slice(
    0,
    model.layers.findIndex(({ name }) => name === entry.name),
  );
  const stream = before.findLast(({ dominating, layout }) => dominating && layout === entry.layout);
  if (entry.layout !== 'tokens' || !entry.attended || !entry.normalized || !stream)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} needs normalised tokens that enter an attention between all positions, which "${entry.name}" is not; ` +
        'recipro-cam works on other layers',
    );
  return [{ ...stream, reason: 'residual stream of the block' }, entry].map(chosen => {
    const { layout: _layout, tokens: _tokens, ...layer } = chosen;
    return { ...layer, ...featureLayout(chosen, model, tokens), affine: false };
  });
}

function featureLayout(
  layer: ChosenLayer,
  model: Model,
  tokens: { readonly grid?: readonly [number, number]; readonly prefix?: number } | undefined,
): FeatureLayout & Pick<TargetLayer, 'note'> {
  if (layer.layout !== 'tokens') return { layout: layer.layout, frames: layer.frames };
  return { layout: 'tokens', ...tokenGrid(layer, model, tokens) };
}

/** Some methods are defined on pictures alone. */
function refuseVolumes({ name, needs, scope }: MethodDefinition, layer: TargetLayer): void {
  if (layer.spatial.length < 3) return;
  const masks = needs.optimizer || needs.guided || needs.scores?.some(kind => kind !== 'tail');
  if (!masks && scope === 'layer') return;
  throw new OnnxCamError(
    'ERR_METHOD_UNSUPPORTED',
    `${name} ${masks ? 'masks pictures' : 'joins layers of pictures'}, and "${layer.name}" holds ` +
      `${layer.layout === 'frames' ? 'clips' : 'volumes'}; gradient methods, eigen-cam and ablation-cam work on them`,
  );
}

/**
 * The grid of the tokens: as given, else as followed through the graph, else the largest square that leaves at most two
 * tokens (class, distillation).
 */
function tokenGrid(
  layer: ChosenLayer,
  model: Model,
  given: { readonly grid?: readonly [number, number]; readonly prefix?: number } | undefined,
): Pick<Required<FeatureLayout>, 'tokens'> & Pick<TargetLayer, 'note'> {
  const count = layer.shape[1]!;
  const wanted = given ?? model.sidecar?.tokens;
  if (wanted?.grid) {
    const [height, width] = wanted.grid;
    const prefix = wanted.prefix ?? layer.tokens?.prefix ?? count - height * width;
    const used = prefix + height * width;
    // Whoever says how many come before the picture may leave out what comes after it.
    const fits = wanted.prefix === undefined ? used === count && prefix <= MOST_PREFIX : used <= count;
    if (prefix >= 0 && fits) return { tokens: { grid: [height, width], prefix } };
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `tokens: ${height}×${width} positions after ${prefix} prefix tokens are not the ${count} tokens of "${layer.name}"`,
    );
  }
  if (layer.tokens && (wanted?.prefix ?? layer.tokens.prefix) === layer.tokens.prefix) return { tokens: layer.tokens };
  for (const prefix of wanted?.prefix === undefined ? [0, 1, 2] : [wanted.prefix]) {
    const side = Math.sqrt(count - prefix);
    if (!Number.isInteger(side) || side < 2) continue;
    const note =
      `the ${count} tokens of "${layer.name}" could not be followed back to the picture: ${side}×${side} of them, row by row, behind ` +
      `${prefix} others, were taken for it; the option \`tokens\` ({ grid: [h, w], prefix }) says another order`;
    return { tokens: { grid: [side, side], prefix }, note };
  }
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `the ${count} tokens of "${layer.name}" are no square grid; give the grid in the option \`tokens: { grid: [h, w], prefix }\``,
  );
}
