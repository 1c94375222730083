import { toInt64s } from '../../../common/sizes.ts';
import { type Graph, makeNode } from '../../graph/graph.ts';
import { makeTensorProto } from '../../graph/tensor-values.ts';
import { makeValueInfo } from '../../graph/value-info.ts';

/**
 * Makes a graph put the ranges of tensors before its scores: an output [batch, ranges + classes], ranges as `points.ts` takes
 * them; the scores stay an output of their own. Ranges are those of all images of a run.
 */
export function observe(graph: Graph, points: readonly string[], scores: string, batch: number): string {
  const shape = (name: string, values: readonly number[]) => {
    const full = `observed/shape/${name}`;
    graph.initializers.set(full, makeTensorProto(full, 'int64', [values.length], toInt64s(values)));
    return full;
  };
  const ranges = points.flatMap((tensor, i) =>
    ['Min', 'Max'].map(end => {
      const value = `observed/${end}${i}`;
      graph.append(
        makeNode(`Reduce${end}`, [tensor], [value], { keepdims: 0 }),
        makeNode('Reshape', [value, shape('row', [1, -1])], [`${value}/row`]),
      );
      return `${value}/row`;
    }),
  );
  const output = 'observed/rows';
  graph.append(
    makeNode('Concat', ranges, ['observed/ranges'], { axis: 1 }),
    makeNode('Expand', ['observed/ranges', shape('batch', [batch, 1])], ['observed/each']),
    makeNode('Concat', ['observed/each', scores], [output], { axis: 1 }),
  );
  graph.outputs.push(makeValueInfo(output, 'float32', ['', '']));
  return output;
}
