import { dirname } from 'node:path';
import { TensorProto_DataLocation as DataLocation, type TensorProto } from 'onnx-buf';
import { OnnxCamError } from '../../common/errors.ts';
import { elementCount } from '../../engine/tensor.ts';
import { LeavesFolder, openNamedInside } from '../../io/inside-folder.ts';
import { type OpenFile, readRange, UnfitFile } from '../../io/regular-file.ts';
import type { Graph } from '../graph/graph.ts';
import { subgraphsOf } from '../graph/subgraphs.ts';
import { bytesPerElement, dimsOf, typeOfCode } from '../graph/tensor-values.ts';

interface Reference {
  readonly weight: TensorProto;
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads the weights that a model keeps in files beside itself, so that all weights are views on memory afterwards.
 * Only files inside the model's own folder are read: absolute paths, `..` and symbolic links that lead out of it are
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
  const folder = dirname(path);
  for (const [location, group] of groupByLocation(references)) await readGroup(folder, location, group);
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
  const needed = elementCount(dimsOf(weight)) * bytesPerElement(type);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? needed);
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== needed)
    throw failure(`weight "${weight.name}" needs ${needed} bytes; the model refers to ${length} at offset ${offset}`);
  return { weight, location, offset, length };
}

async function readGroup(folder: string, location: string, group: readonly Reference[]): Promise<void> {
  const { file, size } = await openWeights(folder, location);
  try {
    const start = Math.min(...group.map(({ offset }) => offset));
    const end = Math.max(...group.map(({ offset, length }) => offset + length));
    if (end > size)
      throw failure(`"${location}" holds ${size} bytes, the model's weights reach to ${end}: the file is truncated`);
    const bytes = await readRange(file, start, end - start);
    for (const { weight, offset, length } of group) {
      weight.rawData = bytes.subarray(offset - start, offset - start + length);
      weight.dataLocation = DataLocation.DEFAULT;
      weight.externalData = [];
    }
  } finally {
    await file.close();
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
