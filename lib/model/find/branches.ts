import { neededNodes } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import type { Axes } from './axes.ts';
import { lastLayer } from './choose-layer.ts';
import type { Layer } from './layer.ts';
import { type Read, readsFrom, readsGrid } from './reads.ts';

/** A network as its branches are looked for. */
export interface Branching {
  readonly graph: Graph;
  readonly facts: FactTable;
  readonly axes: ReadonlyMap<string, Axes>;
  /** The tensor of the scores. */
  readonly scores: string;
}

/**
 * Marks the last layer of each branch where no single layer shows all that the scores are made of: ensembles, branches that
 * join as vectors, heads on several resolutions, a way around the features. Networks with one last layer are left as they
 * are.
 */
export function markBranches(layers: readonly Layer[], network: Branching): Layer[] {
  const found = branchesOf(layers, network);
  const one = lastLayer(layers);
  const last = found.size === 1 && [...found][0]!.name === one?.name ? new Set<Layer>() : found;
  return layers.map(layer => (last.has(layer) ? { ...layer, branch: true } : layer));
}

function branchesOf(layers: readonly Layer[], network: Branching): ReadonlySet<Layer> {
  const { graph } = network;
  const features = layers.filter(
    ({ postActivation, normalized, attended }) => postActivation || normalized || attended,
  );
  const ends = [features, layers].map(some => lastOnEachWay(some, network)).find(found => found.length > 0) ?? [];
  const before = new Map(ends.map(end => [end, ancestorsOf(graph, end)]));
  const size = ({ spatial }: Layer) => spatial.join();
  // Of a chain at one size (class attention, block for block) the last one.
  const tips = ends.filter(end => !ends.some(other => size(other) === size(end) && before.get(other)!.has(end.name)));
  const entries = (some: readonly Layer[]) =>
    withoutTwins(graph, layers, new Set(some.map(tip => attendedBefore(tip, layers, before.get(tip)!))));

  const one = lastLayer(layers);
  if (!one) return entries(tips);
  const beforeOne = ancestorsOf(graph, one);
  if (one.attended) {
    // What is read of the tokens beside the attention.
    const around = ends.find(end => end.dominating && size(end) === size(one));
    if (around && beforeOne.has(around.name)) return new Set([around]);
    const beside = tips.filter(({ name }) => name !== one.name && !beforeOne.has(name));
    const parallel = beside.filter(tip => !before.get(tip)!.has(one.name));
    return parallel.length === 0 ? new Set() : entries([...parallel, ...tips.filter(tip => !parallel.includes(tip))]);
  }
  const behind = tips.filter(tip => before.get(tip)!.has(one.name));
  const same = tips.length === 1 && size(tips[0]!) === size(one);
  return behind.length === 0 || same ? new Set() : entries(tips);
}

/** The layers that are the last ones on some way of the picture's positions to the scores, last first. */
function lastOnEachWay(layers: readonly Layer[], { graph, facts, axes, scores }: Branching): Layer[] {
  const byName = new Map(layers.map(layer => [layer.name, layer]));
  const found: Layer[] = [];
  const before = new Set<string>();
  readsFrom(graph, facts, axes, scores, (name, read) => {
    const layer = byName.get(name);
    // Class tokens are handed on from block to block beside the patches that they look at.
    if (isPicked(read) && before.has(name)) return true;
    if (!layer || !readsGrid(read, layer.tokens)) return false;
    if (!found.includes(layer)) {
      found.push(layer);
      for (const ancestor of ancestorsOf(graph, layer)) before.add(ancestor);
    }
    return true;
  });
  return found;
}

const isPicked = (read: Read): boolean => read !== 'all';

function ancestorsOf(graph: Graph, { name }: Layer): ReadonlySet<string> {
  const nodes = neededNodes(graph, [name]);
  return new Set(nodes.flatMap(({ outputs }) => outputs.filter(output => output !== name)));
}

/** Of several that normalise the same tensor, for attentions side by side in one block, the last one. */
function withoutTwins(graph: Graph, layers: readonly Layer[], ends: ReadonlySet<Layer>): ReadonlySet<Layer> {
  const sources = new Map<Layer | undefined, Layer>();
  const kept = new Set(ends);
  for (const end of layers) {
    if (!ends.has(end) || !end.normalized) continue;
    const before = ancestorsOf(graph, end);
    const source = layers.findLast(({ name }) => before.has(name));
    const twin = source && sources.get(source);
    if (twin && twin.spatial.join() === end.spatial.join()) kept.delete(twin);
    sources.set(source, end);
  }
  return kept;
}

/** Of tokens what enters the last attention before them, as in networks of one branch. */
function attendedBefore(tip: Layer, layers: readonly Layer[], before: ReadonlySet<string>): Layer {
  if (tip.layout === 'nchw' || tip.attended) return tip;
  const size = tip.spatial.join();
  return (
    layers.findLast(({ name, attended, spatial }) => attended && spatial.join() === size && before.has(name)) ?? tip
  );
}
