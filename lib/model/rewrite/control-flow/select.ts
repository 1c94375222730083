import type { GraphProto } from 'onnx-buf';
import type { FactTable } from '../../graph/facts.ts';
import type { GraphNode } from '../../graph/graph.ts';
import { capturedBy, subgraphsOf } from '../../graph/subgraphs.ts';
import { writeOut } from './unroll.ts';
import type { Writer } from './writer.ts';

/** Both results of an If that were written out side by side. */
export interface Selection {
  readonly taken: string;
  readonly other: string;
}

/** What may not be computed for a picture that goes the other way: how much it gives depends on the values, or it may not end. */
const NOT_FOR_BOTH: ReadonlySet<string> = new Set([
  ...['Compress', 'Loop', 'Multinomial', 'NonMaxSuppression', 'NonZero', 'Optional', 'OptionalGetElement', 'Scan'],
  ...['SequenceAt', 'SequenceConstruct', 'SequenceEmpty', 'SplitToSequence', 'Unique'],
]);

function canBeComputed(body: GraphProto): boolean {
  return body.node.every(
    ({ opType, attribute }) => !NOT_FOR_BOTH.has(opType) && subgraphsOf(attribute).every(canBeComputed),
  );
}

/**
 * Both branches of an If whose condition the picture decides: each computes its results, and Where chooses between them. A branch that is
 * not taken reads zeros in the place of what depends on the picture, so that its numbers stay within bounds, and no gradient
 * passes the Where in front of it, whatever its derivatives are.
 * @returns the pairs of results, whose shapes must be equal; undefined where the branches cannot both be computed
 */
export function selectBranch(
  node: GraphNode,
  facts: FactTable,
  writer: Writer,
  dependent: ReadonlySet<string>,
): Selection[] | undefined {
  const [given] = node.inputs as [string];
  if (!dependent.has(given)) return undefined;
  const bodies = ['then_branch', 'else_branch'].map(name => node.attributes.find(name)?.g);
  const [taken, other] = bodies;
  if (!taken || !other || !bodies.every(body => canBeComputed(body!))) return undefined;
  if (node.outputs.some(name => name && !facts.has(name))) return undefined;
  const prefix = writer.prefix(node);
  const condition = writer.reshaped(given, [], `${prefix}condition`);
  const results = [taken, other].map((body, index) => {
    const start = `${prefix}${index === 0 ? 'then' : 'else'}/`;
    const outer = new Map<string, string>();
    for (const name of capturedBy(body)) {
      const type = facts.get(name)?.type;
      const zero = dependent.has(name) && type && writer.zero(type, `${prefix}zero/${type}`);
      if (!zero) continue;
      const kept = `${start}outer/${name}`;
      writer.emit('Where', index === 0 ? [condition, name, zero] : [condition, zero, name], [kept]);
      outer.set(name, kept);
    }
    return writeOut(writer, body, start, [], [], outer).outputs;
  }) as [readonly string[], readonly string[]];
  return node.outputs.flatMap((output, index) => {
    if (!output) return [];
    const [first, second] = [results[0][index]!, results[1][index]!];
    writer.emit('Where', [condition, first, second], [output], {}, index === 0 ? node.name : '');
    return [{ taken: first, other: second }];
  });
}
