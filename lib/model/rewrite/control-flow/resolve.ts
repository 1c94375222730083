import { OnnxCamError } from '../../../common/errors.ts';
import { dependentTensors } from '../../graph/data-flow.ts';
import type { FactTable } from '../../graph/facts.ts';
import { Graph, type GraphNode } from '../../graph/graph.ts';
import { dependenciesOf } from '../../graph/subgraphs.ts';
import { type ProbeOptions, probeFacts } from '../../probe/probe-facts.ts';
import type { CreateSession } from '../../probe/probe-session.ts';
import { lowerOperators } from '../lowering/lower.ts';
import { withTripCounts } from './measure.ts';
import { sameResults } from './same-results.ts';
import { type Selection, selectBranch } from './select.ts';
import { SEQUENCE_OPERATORS, Sequences } from './sequences.ts';
import { chooseBranch, mapSequence, staysTrue, unrollLoop, unrollScan } from './unroll.ts';
import { type Assumption, Writer } from './writer.ts';

/** Bodies in bodies are resolved one after the other. */
const MAX_ROUNDS = 12;

const READS_SEQUENCES: ReadonlySet<string> = new Set([
  ...['ConcatFromSequence', 'OptionalGetElement', 'OptionalHasElement', 'SequenceAt', 'SequenceLength'],
]);
const CONTROL: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);

/** Operators that can be written out. */
export const RESOLVED_OPERATORS: ReadonlySet<string> = new Set([...CONTROL, ...READS_SEQUENCES, ...SEQUENCE_OPERATORS]);

export interface Resolved {
  readonly graph: Graph;
  readonly assumptions: readonly Assumption[];
  /** The picture decides which nodes run, or how often: all pictures of a batch together. */
  readonly decided: boolean;
}

interface WrittenOut extends Omit<Resolved, 'decided'> {
  readonly selections: readonly Selection[];
}

/**
 * Writes control flow out that shapes and constants decide: the branch that an If takes, the steps of a Loop or Scan of known
 * length, sequences of known length as the tensors in them. Where the picture decides which branch an If takes, both are computed and
 * one is chosen, if their results have the same shapes; other things that it decides stay. The result must give what
 * the original gives for one image of noise; otherwise the original is kept.
 */
export async function resolveControlFlow(
  graph: Graph,
  createSession: CreateSession,
  probe: ProbeOptions,
): Promise<Resolved> {
  const kept: Resolved = { graph, assumptions: [], decided: isDecided(graph, probe.input.name) };
  if (!graph.nodes.some(isFollowed)) return kept;
  // A batch that only claims to be open is found out later; one image is enough here.
  for (const batch of new Set([probe.input.batch, probe.input.batch ?? 1]))
    for (const select of [true, false]) {
      const options = { ...probe, input: { ...probe.input, batch } };
      try {
        const found = await resolveAll(graph, createSession, options, select);
        if (!found) break;
        const facts = await probeFacts(found.graph, createSession, options);
        if (brokenAssumption(found.assumptions, facts)) return kept;
        if (!found.selections.every(pair => haveOneShape(pair, facts))) continue;
        const outputs = graph.outputs.map(({ name }) => name).filter(name => facts.has(name));
        if (!(await sameResults(graph, found.graph, outputs, createSession, options))) continue;
        const decided = found.selections.length > 0 || isDecided(found.graph, probe.input.name);
        return { graph: found.graph, assumptions: found.assumptions, decided };
      } catch (error) {
        // What the runtime cannot run so, or at all, is told by those who read the model.
        if (!(error instanceof OnnxCamError) || error.code === 'ERR_ABORTED') throw error;
      }
    }
  return kept;
}

function haveOneShape({ taken, other }: Selection, facts: FactTable): boolean {
  const [a, b] = [facts.get(taken), facts.get(other)];
  return a !== undefined && a.type === b?.type && String(a.dims) === String(b.dims);
}

/** Whether a branch or a repetition is left that the picture decides. */
function isDecided(graph: Graph, input: string): boolean {
  const control = graph.nodes.filter(node => (node.op === 'If' && !node.domain) || isCounted(node));
  if (control.length === 0) return false;
  const dependent = dependentTensors(graph, [input]);
  return control.some(node => (node.op === 'If' ? dependent.has(node.inputs[0]!) : dependsOn(node, dependent)));
}

const dependsOn = (node: GraphNode, dependent: ReadonlySet<string>): boolean =>
  dependenciesOf(node).some(name => dependent.has(name));

async function resolveAll(graph: Graph, createSession: CreateSession, probe: ProbeOptions, select: boolean) {
  let current = graph;
  const assumptions: Assumption[] = [];
  const selections: Selection[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const loops = current.nodes.filter(isCounted);
    const measured = withTripCounts(current, loops);
    const facts = await probeFacts(measured.graph, createSession, probe);
    const trips = (loop: GraphNode) => {
      const rows = facts.get(measured.counts.get(loop) ?? '')?.dims[0];
      return rows === -1 ? undefined : rows;
    };
    const dependent = select ? dependentTensors(current, [probe.input.name]) : new Set<string>();
    const next = resolveOnce(current, facts, { trips, dependent });
    if (!next) break;
    current = next.graph;
    assumptions.push(...next.assumptions);
    selections.push(...next.selections);
  }
  return current === graph
    ? undefined
    : { graph: lowerOperators(withoutIdleSequences(current, assumptions)), assumptions, selections };
}

/** A Loop that ends by a condition; of others the given number is enough, however large it is. */
function isCounted({ op, domain, attributes }: GraphNode): boolean {
  const body = attributes.find('body')?.g;
  return op === 'Loop' && !domain && body !== undefined && !staysTrue(body);
}

const isFollowed = ({ op, domain }: GraphNode): boolean => !domain && (CONTROL.has(op) || READS_SEQUENCES.has(op));

interface Known {
  readonly trips: (loop: GraphNode) => number | undefined;
  /** What depends on the picture; empty where no branch is to be chosen by it. */
  readonly dependent: ReadonlySet<string>;
}

/** One pass over the nodes of the graph itself. @returns undefined where nothing could be resolved */
function resolveOnce(graph: Graph, facts: FactTable, { trips, dependent }: Known): WrittenOut | undefined {
  const writer = new Writer(graph);
  const sequences = new Sequences(writer, facts);
  const selections: Selection[] = [];
  let changed = false;
  for (const node of graph.nodes) {
    const resolved = !node.domain && replaced(node);
    changed ||= resolved;
    if (!resolved) writer.nodes.push(node);
  }
  if (!changed) return undefined;
  const { nodes, initializers, assumptions } = writer;
  const { inputs, outputs, opsets, irVersion, shapes, metadata } = graph;
  const parts = { inputs, outputs, nodes, initializers, opsets, irVersion, shapes, metadata };
  return { graph: new Graph(parts), assumptions, selections };

  function replaced(node: GraphNode): boolean {
    switch (node.op) {
      case 'If':
        return chooseBranch(node, facts, writer) || select(node);
      case 'Loop':
        return unrollLoop(node, facts, writer, trips(node));
      case 'Scan':
        return unrollScan(node, facts, writer, graph.opset);
      case 'SequenceMap':
        return mapSequence(node, sequences, writer);
      default:
        return sequences.follow(node);
    }
  }

  function select(node: GraphNode): boolean {
    const pairs = selectBranch(node, facts, writer, dependent);
    if (pairs) selections.push(...pairs);
    return pairs !== undefined;
  }
}

/** What makes sequences or hands them on. */
const IDLE: ReadonlySet<string> = new Set([...SEQUENCE_OPERATORS, 'Identity', 'OptionalGetElement']);

/** Nodes that make sequences which nothing reads any more go, and those that hand them on. */
function withoutIdleSequences(graph: Graph, assumptions: readonly Assumption[]): Graph {
  const read = new Set([...graph.outputs.map(({ name }) => name), ...assumptions.map(({ tensor }) => tensor)]);
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    const made = !node.domain && IDLE.has(node.op);
    if (made && !node.outputs.some(output => read.has(output))) continue;
    for (const name of dependenciesOf(node)) read.add(name);
    nodes.push(node);
  }
  const copy = graph.clone();
  copy.replaceNodes(nodes.reverse());
  return copy;
}

/** The first node that would be written out differently by these facts. */
export function brokenAssumption(assumptions: readonly Assumption[], facts: FactTable): Assumption | undefined {
  return assumptions.find(({ tensor, values, size }) => {
    const known = facts.get(tensor);
    if (size) return known?.dims[size.axis] !== size.length;
    return !values!.every((value, index) => known?.values?.[index] === value);
  });
}
