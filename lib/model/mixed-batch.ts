import type { ImageInput } from './find/input.ts';
import { constantValues } from './graph/constant-chain.ts';
import { dependentTensors } from './graph/data-flow.ts';
import type { FactTable } from './graph/facts.ts';
import type { Graph } from './graph/graph.ts';

const MIXED =
  'the model mixes the pictures of its batch (batch normalisation in training mode, or activations quantised at run time), so ' +
  'that each map depends on the others; an export in evaluation mode does not';

const DECIDED =
  'the pictures of a batch decide together which branch the model takes, so that each map depends on the others; an export for ' +
  'one picture does not';

const RANDOM =
  'the model drops values at random (Dropout in training mode), so that its scores differ from run to run; an export in ' +
  'evaluation mode does not';

/**
 * Activations quantised at run time get one scale for all images of a batch, and batch normalisation in training mode takes
 * its statistics from all of them.
 */
export function mixesImages(graph: Graph): boolean {
  const dependent = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  return graph.nodes.some(({ op, domain, attributes, inputs, outputs }) => {
    // Weights are standardised by the same operators.
    if (!dependent.has(inputs[0]!)) return false;
    if (domain === '' && op === 'BatchNormalization')
      return graph.opset >= 14 ? attributes.int('training_mode', 0) === 1 : outputs.slice(1).some(Boolean);
    // Its default axes include the batch.
    if (op === 'MeanVarianceNormalization') return attributes.ints('axes', [0, 2, 3]).includes(0);
    return op === 'DynamicQuantizeLinear';
  });
}

/** Dropout in training mode. */
function isRandom(graph: Graph, facts: FactTable): boolean {
  return graph.nodes.some(
    ({ op, domain, inputs }) =>
      op === 'Dropout' && domain === '' && constantValues(graph, facts, inputs[2] ?? '')?.[0] === 1,
  );
}

/**
 * What every result is told of a model whose scores depend on more than the picture.
 * @param decided all pictures of a batch decide together which nodes run
 */
export function notesOf(graph: Graph, facts: FactTable, { batch = 1 }: ImageInput, decided: boolean): string[] {
  const together = batch > 1 ? [...(mixesImages(graph) ? [MIXED] : []), ...(decided ? [DECIDED] : [])] : [];
  return [...together, ...(isRandom(graph, facts) ? [RANDOM] : [])];
}
