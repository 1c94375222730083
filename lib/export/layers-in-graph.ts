import { scale } from '../autodiff/blocked.ts';
import type { Emitter } from '../autodiff/emitter.ts';
import type { Value } from '../autodiff/value.ts';
import type { Steps } from '../common/slices.ts';
import type { LayerInGraph, MethodNeeds } from '../methods/definition.ts';
import type { CamHead } from '../model/find/cam-head.ts';
import { makeTensorProto } from '../model/graph/tensor-values.ts';
import { slopes } from '../network/seeds.ts';
import { PASSES } from '../plan/passes/index.ts';
import type { AppendedLayers } from '../plan/passes/pass.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { ScoreTerm } from '../targets/resolve.ts';
import { type TailSource, tailInGraph } from './tail-in-graph.ts';

/** What the layers of a method are made of. */
export interface LayersSource extends TailSource {
  readonly needs: MethodNeeds;
  readonly layers: readonly TargetLayer[];
  /** The linear classifier behind a layer, of methods that need one. */
  readonly camHead: (layer: TargetLayer) => CamHead;
}

/** Appends the gradients that the method needs, in steps: differentiating goes through the whole graph. */
export function* appendBackward({ writer, needs, layers }: LayersSource): Steps<ReadonlyMap<string, string>> {
  let appended: AppendedLayers = [];
  if (needs.gradients === 'block') appended = yield* PASSES.block.append(writer, layers);
  else if (needs.gradients === 'first') appended = yield* writer.appendGradients(layers);
  return new Map(appended);
}

/** The tensors of each layer as a method's `inGraph` reads them. */
export function layersInGraph(
  emit: Emitter,
  source: LayersSource,
  gradients: ReadonlyMap<string, string>,
): LayerInGraph[] {
  const { writer, needs, layers } = source;
  const known = (name: string): Value => ({ name, ...writer.facts.get(name)! });
  return layers.map(layer => {
    const gradient = gradients.get(layer.name);
    return {
      activations: known(writer.featureMaps(layer.name, layer)),
      gradients: gradient === undefined ? undefined : known(gradient),
      classifier: needs.classifier ? classifierRow(emit, source, layer) : undefined,
      tokens: layer.tokens,
      reader: layer.reader,
      tail: needs.scores?.includes('tail') ? tailInGraph(source, layer) : undefined,
    };
  });
}

/** Σ weight · the classifier's row of each term's class, [N, C]; of fixed classes [1, C]. */
function classifierRow(emit: Emitter, source: LayersSource, layer: TargetLayer): Value {
  const { writer, seeds, written, camHead } = source;
  const head = camHead(layer);
  const terms = slopes(written.target);
  if (!written.fed && terms.every(({ index }) => index >= 0)) return fixedRow(emit, head, terms);
  const { classes, channels } = head;
  const [count] = writer.facts.get(writer.logits)!.dims as [number];
  const data = new Float32Array(classes * channels);
  for (let index = 0; index < classes; index++) data.set(head.row(index), index * channels);
  const matrix = heldWeight(emit, 'classifier', data, [classes, channels]);
  const rows = terms.map(({ index, weight }) => {
    const own = seeds.classOf(emit, writer, index);
    const picked = emit.node('Gather', [matrix, own], { type: 'float32', dims: [count, channels] }, { axis: 0 });
    return scale(emit, picked, weight);
  });
  return rows.reduce((all, one) => emit.add(all, one));
}

function fixedRow(emit: Emitter, { channels, row }: CamHead, terms: readonly ScoreTerm[]): Value {
  const sum = new Float32Array(channels);
  for (const { index, weight } of terms)
    row(index).forEach((value, k) => {
      sum[k]! += weight * value;
    });
  return heldWeight(emit, 'row', sum, [1, channels]);
}

/** Too large for the constants that an emitter looks up by their values. */
function heldWeight(emit: Emitter, what: string, data: Float32Array, dims: readonly number[]): Value {
  const value: Value = { name: `${emit.prefix}/${what}`, type: 'float32', dims };
  emit.graph.initializers.set(value.name, makeTensorProto(value.name, value.type, dims, data));
  emit.facts.set(value.name, value);
  return value;
}
