import { constants } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { TensorProto_DataLocation as DataLocation, type TensorProto } from 'onnx-buf';
import { OnnxCamError } from '../../common/errors.ts';
import { checkedCount, largestOf, MAX_WEIGHT } from '../../common/sizes.ts';
import { LeavesFolder, openNamedInside } from '../../io/inside-folder.ts';
import { type OpenFile, readRange, UnfitFile } from '../../io/regular-file.ts';
import type { Graph } from '../graph/graph.ts';
import { subgraphsOf } from '../graph/subgraphs.ts';
import { bytesPerElement, dimsOf, typeOfCode } from '../graph/tensor-values.ts';

/** Where a weight lies in a file beside the model: a name inside the model's folder, bytes. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

interface Reference extends ExternalPlace {
  readonly weight: TensorProto;
}

const places = new WeakMap<TensorProto, ExternalPlace>();

/** Where a weight was read from; undefined for one that the model file holds, or that was written since. */
export const externalPlace = (weight: TensorProto): ExternalPlace | undefined => places.get(weight);

/**
 * Reads the weights that a model keeps in files beside itself, so that all weights are views on memory afterwards.
 * Only ordinary files inside the model's own folder are read: absolute paths, `..` and symbolic links that lead out of it are
 * refused, because a model may come from anywhere.
 * @param path the model's own path; undefined for a model given as bytes, which has no folder
 * @throws OnnxCamError `ERR_EXTERNAL_DATA`
 */
export async function resolveExternalData(graph: Graph, path: string | undefined): Promise<void> {
  refuseInSubgraphs(graph);
  const references = [...graph.initializers.values()]
    .filter(weight => weight.dataLocation === DataLocation.EXTERNAL)
    .map(readReference);
  const [first] = references;
  if (!first) return;
  if (path === undefined)
    throw failure(
      `the model keeps its weights in another file ("${first.location}"), which cannot be found from bytes alone; ` +
        'load the model by its path',
    );
  const total = references.reduce((sum, { length }) => sum + length, 0);
  if (total > totalmem())
    throw failure(`the model's weights in other files are ${total} bytes, more than this machine's memory`);
  const folder = dirname(path);
  for (const [location, group] of groupByLocation(references)) await readGroup(folder, location, group);
}

/** Names of the files beside a model that hold its weights, as the model says them. */
export function externalFiles(graph: Graph): string[] {
  const files = new Set<string>();
  for (const { dataLocation, externalData } of graph.initializers.values())
    if (dataLocation === DataLocation.EXTERNAL)
      files.add(externalData.findLast(({ key }) => key === 'location')?.value ?? '');
  return [...files];
}

function groupByLocation(references: readonly Reference[]): Map<string, Reference[]> {
  const groups = new Map<string, Reference[]>();
  for (const reference of references) {
    const group = groups.get(reference.location);
    if (group) group.push(reference);
    else groups.set(reference.location, [reference]);
  }
  return groups;
}

function readReference(weight: TensorProto): Reference {
  const entries = new Map(weight.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const type = typeOfCode(weight.dataType);
  if (!type)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `weight "${weight.name}" has an element type that is not supported`,
    );
  const what = `weight "${weight.name}"`;
  const needed = checkedCount(dimsOf(weight), what, MAX_WEIGHT) * bytesPerElement(type);
  const offset = entries.has('offset') ? bytesOf(entries.get('offset')!) : 0;
  const length = entries.has('length') ? bytesOf(entries.get('length')!) : needed;
  if (offset === undefined || length !== needed || offset + length > Number.MAX_SAFE_INTEGER)
    throw failure(
      `${what} needs ${needed} bytes; the model refers to ${shownBytes(entries.get('length') ?? `${needed}`)} at offset ` +
        shownBytes(entries.get('offset') ?? '0'),
    );
  return { weight, location, offset, length };
}

/** Digits alone: `Number` takes "1e3", "0x10" and "" as well. */
function bytesOf(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

const shownBytes = (text: string): string => (/^-?\d{1,20}$/.test(text) ? text : JSON.stringify(text.slice(0, 40)));

/** Gaps up to this length are read with what is around them: exporters put weights on the borders of pages. */
const MAX_GAP = 2 ** 16;

/** Weights that are read at once: what lies between weights far from each other is nobody's. */
function stretchesOf(group: readonly Reference[]): Reference[][] {
  const stretches: Reference[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const reference of [...group].sort((a, b) => a.offset - b.offset)) {
    if (reference.offset - end > MAX_GAP) stretches.push([reference]);
    else stretches.at(-1)!.push(reference);
    end = Math.max(end, reference.offset + reference.length);
  }
  return stretches;
}

async function readGroup(folder: string, location: string, group: readonly Reference[]): Promise<void> {
  const { file, size } = await openWeights(folder, location);
  try {
    const end = largestOf(group.map(({ offset, length }) => offset + length));
    if (end > size)
      throw failure(`"${location}" holds ${size} bytes, the model's weights reach to ${end}: the file is truncated`);
    for (const stretch of stretchesOf(group)) await readStretch(file, location, stretch);
  } finally {
    await file.close();
  }
}

async function readStretch(file: FileHandle, location: string, stretch: readonly Reference[]): Promise<void> {
  const start = stretch[0]!.offset;
  const size = largestOf(stretch.map(({ offset, length }) => offset + length)) - start;
  // A sparse file can be larger than any memory; so can the longest array be shorter than a stretch.
  if (size > Math.min(totalmem(), constants.MAX_LENGTH))
    throw failure(
      `the model's weights in "${location}" are ${size} bytes in one piece, more than can be held in memory`,
    );
  const bytes = await readRange(file, start, size);
  if (bytes.byteLength < size) throw failure(`"${location}" got shorter while the model's weights were read from it`);
  for (const { weight, offset, length } of stretch) {
    weight.rawData = bytes.subarray(offset - start, offset - start + length);
    weight.dataLocation = DataLocation.DEFAULT;
    weight.externalData = [];
    places.set(weight, { location, offset, length });
  }
}

async function openWeights(folder: string, location: string): Promise<OpenFile> {
  try {
    return await openNamedInside(folder, location);
  } catch (cause) {
    if (cause instanceof LeavesFolder)
      throw failure(`the model's weights are in "${location}"; only files inside its own folder are read`, cause);
    if (cause instanceof UnfitFile)
      throw failure(`"${location}", which should hold the model's weights, cannot be read: ${cause.message}`, cause);
    throw failure(`the model's weights are missing: "${location}" beside the model cannot be read`, cause);
  }
}

function refuseInSubgraphs(graph: Graph): void {
  for (const node of graph.nodes)
    for (const body of subgraphsOf(node.attributes.protos))
      if (body.initializer.some(weight => weight.dataLocation === DataLocation.EXTERNAL))
        throw failure(
          `the ${node.op} node "${node.name}" keeps weights of its body in another file; merge them into the model`,
        );
}

function failure(message: string, cause?: unknown): OnnxCamError {
  return new OnnxCamError('ERR_EXTERNAL_DATA', message, { cause });
}
