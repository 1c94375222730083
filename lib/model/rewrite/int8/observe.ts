import { toInt64s } from '../../../common/sizes.ts';
import { type Graph, makeNode } from '../../graph/graph.ts';
import { makeTensorProto } from '../../graph/tensor-values.ts';
import { makeValueInfo } from '../../graph/value-info.ts';
import type { Point } from './points.ts';

/** From this operator set on axes of reductions are an input. */
const AXES_INPUT = 18;

/**
 * Makes a graph put the ranges of points before its scores: an output [batch, ranges + classes]; the scores stay an output of
 * their own. Ranges are those of all images of a run. Points with several channels hold feature maps [N, C, h, w].
 */
export function observe(graph: Graph, points: readonly Point[], scores: string, batch: number): string {
  const shape = (name: string, values: readonly number[]) => {
    const full = `observed/shape/${name}`;
    graph.initializers.set(full, makeTensorProto(full, 'int64', [values.length], toInt64s(values)));
    return full;
  };
  const positions = [0, 2, 3];
  const ranges = points.flatMap(({ tensor, channels }, i) =>
    ['Min', 'Max'].map(end => {
      const value = `observed/${end}${i}`;
      const byInput = graph.opset >= AXES_INPUT;
      const axes = channels === 1 ? undefined : positions;
      const inputs = axes && byInput ? [tensor, shape('positions', axes)] : [tensor];
      const attributes = { keepdims: 0, ...(axes && !byInput && { axes }) };
      graph.append(
        makeNode(`Reduce${end}`, inputs, [value], attributes),
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
