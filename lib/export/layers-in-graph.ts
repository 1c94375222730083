import type { Emitter } from '../autodiff/emitter.ts';
import type { Value } from '../autodiff/value.ts';
import type { Steps } from '../common/slices.ts';
import type { LayerInGraph, MethodNeeds } from '../methods/definition.ts';
import type { CamHead } from '../model/find/cam-head.ts';
import { slopes } from '../network/seeds.ts';
import { PASSES } from '../plan/passes/index.ts';
import type { AppendedLayers } from '../plan/passes/pass.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
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

/** Σ weight · the classifier's row of each term's class, [N, C]. */
function classifierRow(emit: Emitter, source: LayersSource, layer: TargetLayer): Value {
  const { writer, head, seeds, written, camHead } = source;
  const { classes, channels, row } = camHead(layer);
  const [count] = writer.facts.get(writer.logits)!.dims as [number];
  const fixed = !written.fed && written.target.terms.every(({ index }) => index >= 0);
  const terms = slopes(written.target);
  if (fixed) {
    const sum = new Float32Array(channels);
    for (const { index, weight } of terms)
      row(index).forEach((value, k) => {
        sum[k]! += weight * value;
      });
    return emit.constant([...sum], 'float32', [1, channels]);
  }
  const matrix = emit.constant(Array.from({ length: head.classes }, (_, index) => [...row(index)]).flat(), 'float32', [
    classes,
    channels,
  ]);
  const rows = terms.map(({ index, weight }) => {
    const own = seeds.classOf(emit, writer, index);
    const picked = emit.node('Gather', [matrix, own], { type: 'float32', dims: [count, channels] }, { axis: 0 });
    return weight === 1 ? picked : emit.mul(picked, emit.scalar(weight, picked));
  });
  return rows.reduce((all, one) => emit.add(all, one));
}
