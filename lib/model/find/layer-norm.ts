import type { Graph, GraphNode } from '../graph/graph.ts';

const FUSED = new Set(['LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization']);

/** Normalisations over the last axis. */
export interface LayerNorms {
  /** Outputs: of the operator, or of the last step of one written in pieces (before opset 17). */
  readonly outputs: ReadonlySet<string>;
  /** Tensors between the pieces. */
  readonly inner: ReadonlySet<string>;
}

/**
 * Finds layer normalisations, also those in pieces: (x − mean(x)) / √(mean((x − mean(x))²) + ε) or x / √(mean(x²) + ε), then a
 * gain and a bias.
 * @param constant true for tensors that do not depend on the model's input
 */
export function findLayerNorms(graph: Graph, constant: (tensor: string) => boolean): LayerNorms {
  const outputs = new Set<string>();
  const inner = new Set<string>();
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    if (FUSED.has(node.op)) outputs.add(output!);
    const pieces = node.domain === '' ? (centredPieces(graph, node) ?? rootMeanSquarePieces(graph, node)) : undefined;
    if (!pieces) continue;
    for (const name of pieces) inner.add(name);
    let last = output!;
    for (const op of ['Cast', 'Mul', 'Add']) {
      const [next, another] = graph.consumers(last);
      if (!next || another || next.op !== op) continue;
      if (op !== 'Cast' && !next.inputs.some(constant)) break;
      inner.add(last);
      last = next.outputs[0]!;
    }
    outputs.add(last);
  }
  return { outputs, inner };
}

/** For (x − mean(x)) / Sqrt(…): the difference and its square. */
function centredPieces(graph: Graph, division: GraphNode): string[] | undefined {
  if (division.op !== 'Div') return undefined;
  const [numerator, denominator] = division.inputs as [string, string];
  const difference = graph.producer(numerator);
  if (difference?.op !== 'Sub' || graph.producer(denominator)?.op !== 'Sqrt') return undefined;
  const mean = graph.producer(difference.inputs[1]!);
  if (mean?.op !== 'ReduceMean' || mean.inputs[0] !== difference.inputs[0]) return undefined;
  const squares = graph.consumers(numerator).filter(({ op }) => op === 'Pow' || op === 'Mul');
  return [numerator, ...squares.map(({ outputs }) => outputs[0]!)];
}

/** For x / Sqrt(mean(x²) + ε), or x times its reciprocal: the square. */
function rootMeanSquarePieces(graph: Graph, { op, inputs }: GraphNode): string[] | undefined {
  if (op !== 'Div' && op !== 'Mul') return undefined;
  for (const [x, factor] of op === 'Div' ? [inputs] : [inputs, inputs.toReversed()]) {
    const inverse = op === 'Div' ? factor! : invertedBy(graph, factor!);
    const root = inverse === undefined ? undefined : graph.producer(inverse);
    const sum = root?.op === 'Sqrt' ? graph.producer(root.inputs[0]!) : undefined;
    const mean = sum?.op === 'Add' ? sum.inputs.map(name => graph.producer(name)).find(isMean) : undefined;
    const square = mean && graph.producer(mean.inputs[0]!);
    const isSquare = square?.op === 'Pow' || (square?.op === 'Mul' && square.inputs[0] === square.inputs[1]);
    if (isSquare && square.inputs[0] === x) return [square.outputs[0]!];
  }
  return undefined;
}

const isMean = (node: GraphNode | undefined): boolean => node?.op === 'ReduceMean';

/** Of Reciprocal(r) and c / r: r. */
function invertedBy(graph: Graph, tensor: string): string | undefined {
  const node = graph.producer(tensor);
  return node?.op === 'Reciprocal' ? node.inputs[0] : node?.op === 'Div' ? node.inputs[1] : undefined;
}
