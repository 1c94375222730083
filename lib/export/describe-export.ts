import { packageVersion } from '#package';
import { targetText } from '../explain/target-text.ts';
import { CLASS_INPUT, EXPORT_METADATA, MAP_OUTPUT } from '../model/graph/exported.ts';
import type { Graph } from '../model/graph/graph.ts';
import type { Network } from '../network/network.ts';
import type { MethodRun } from '../request/request.ts';
import { parseTarget } from '../targets/parse.ts';
import type { ExportOptions } from './export-options.ts';

/** What an export says of itself. */
export interface Described {
  readonly network: Network;
  readonly method: MethodRun;
  readonly options: ExportOptions;
}

/** Of the map's output, for people who look at the file. */
export function docString({ method, options }: Described): string {
  const { definition, layerSets } = method;
  const layers = layerSets[0]!.map(({ name }) => `"${name}"`).join(', ');
  const range = options.uint8 === true ? 'uint8, 0 to 255' : 'float32 in [0, 1]';
  return (
    `${definition.title} of ${layers} for ${ofTarget(options)}: [N,1,h,w], ${range}, each image stretched by itself; zeros where no ` +
    `place stands out. Written by onnx-cam ${packageVersion()}.`
  );
}

function ofTarget({ target }: ExportOptions): string {
  const text = shownTarget(target);
  if (text === 'input') return `the classes of the input "${CLASS_INPUT}" (-1: the one with the largest logit)`;
  return text === 'top1' ? 'the class with the largest logit' : `the target ${text}`;
}

/** As it is typed, where it names a class. */
function shownTarget(target: ExportOptions['target'] = 'top1'): string {
  if (target === 'input') return target;
  const parsed = parseTarget(target);
  if (parsed.kind === 'class') return String(parsed.index);
  if (parsed.kind === 'label') return parsed.label;
  return parsed.kind === 'rank' && parsed.rank === 0 ? 'top1' : targetText(parsed);
}

/**
 * Adds to the model's own metadata.
 * @param size of pictures, where the file is written for one alone though the model takes others
 */
export function describeExport(described: Described, graph: Graph, size: string | undefined): void {
  const { method, options } = described;
  const { definition, params, convention, layerSets } = method;
  const notes = notesOf(described, graph, size);
  const entries: readonly (readonly [key: string, value: string])[] = [
    [`${EXPORT_METADATA}version`, packageVersion()],
    [`${EXPORT_METADATA}output`, MAP_OUTPUT],
    [`${EXPORT_METADATA}method`, definition.name],
    [`${EXPORT_METADATA}params`, JSON.stringify(params)],
    [`${EXPORT_METADATA}layer`, layerSets[0]!.map(({ name }) => name).join(', ')],
    [`${EXPORT_METADATA}target`, shownTarget(options.target)],
    [`${EXPORT_METADATA}convention`, convention],
    ...(notes.length > 0 ? [[`${EXPORT_METADATA}notes`, notes.join('\n')] as const] : []),
  ];
  // Notes of the model's own under these keys would pass for those of this export.
  for (const key of graph.metadata.keys()) if (key.startsWith(EXPORT_METADATA)) graph.metadata.delete(key);
  for (const [key, value] of entries) graph.metadata.set(key, value);
}

/** What people should know of the file. */
function notesOf({ network, method }: Described, graph: Graph, size: string | undefined): string[] {
  const { model } = network;
  const notes = [...method.warnings, ...method.layerSets[0]!.flatMap(({ note }) => note ?? [])];
  if (model.logits.note !== undefined) notes.push(model.logits.note);
  if (size !== undefined)
    notes.push(
      `the model takes pictures of any size, this file ${size.split('x').reverse().join(' × ')} alone: its gradients hold ` +
        'constants of that size; load the model with preprocess: { size: [width, height] } for another',
    );
  const { batch, dims } = model.input;
  if (batch !== undefined && typeof dims[0] !== 'number')
    notes.push(
      `the model's input leaves the number of images open but computes with all of them together: this file takes ${batch} at once`,
    );
  const domains = new Set(graph.nodes.flatMap(({ domain }) => (domain === '' ? [] : [domain])));
  if (domains.size > 0)
    notes.push(`the model itself uses operators of ${[...domains].join(', ')}, which not every runtime has`);
  if (model.half) notes.push('the model computes in half precision, and so do its gradients');
  return notes;
}
