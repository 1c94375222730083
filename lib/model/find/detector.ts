import { OnnxCamError } from '../../common/errors.ts';
import type { DetectionFormat, DetectionFormatName } from '../../targets/detection.ts';
import { activationBehind, type Columns } from './activation-behind.ts';
import { lists, MATRICES, matrix } from './detection-lists.ts';
import { type Detector, type DetectorSource, outputsOf } from './detector-source.ts';
import { readFused } from './fused-head.ts';
import { gridLevels } from './grid-boxes.ts';
import { separate } from './separate-heads.ts';
import { candidatesBefore, listsChosen } from './suppression.ts';

export type { Detector, DetectorSource } from './detector-source.ts';

/**
 * Finds boxes and scores among a model's outputs, or before the NonMaxSuppression in its graph.
 * @throws `ERR_MODEL_UNSUPPORTED` for a format that the outputs don't have
 */
export function findDetector(source: DetectorSource, format?: DetectionFormat): Detector | undefined {
  const found = format ? ofFormat(source, format.name) : recognise(source);
  if (!found) {
    if (!format) return undefined;
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `no output has the format '${format.name}'; the model's outputs are ${outputsOf(source)
        .map(({ name, dims }) => `${name} [${dims}]`)
        .join(', ')}`,
    );
  }
  const { boxes, background } = format ?? {};
  return {
    ...found,
    ...(boxes && { boxForm: boxes }),
    ...(background !== undefined && { background: background ?? undefined }),
    certain: found.certain || format !== undefined,
  };
}

/** Whether outputs list the detections of all images together, so that those of one are not told apart. */
export function listsDetections(source: DetectorSource): boolean {
  const formats: readonly DetectionFormatName[] = ['lists', 'xyxy-score-class', 'batch-xyxy-class-score'];
  return formats.some(format => {
    const found = ofFormat(source, format, true);
    return found?.boxes.rowAxis === 0 && listsChosen(source.graph, found.boxes.tensor);
  });
}

function recognise(source: DetectorSource): Detector | undefined {
  const { graph, facts } = source;
  const outputs = outputsOf(source).map(({ name }) => name);
  const raw = candidatesBefore(graph, facts, source.output === undefined ? outputs : [source.output]);
  if (raw) return beforeSuppression(source, raw);
  for (const format of ['lists', ...Object.keys(MATRICES)] as const) {
    const found = ofFormat(source, format as DetectionFormatName, true);
    if (found && (found.certain || listsChosen(graph, found.boxes.tensor))) return { ...found, certain: true };
  }
  for (const format of ['detr', 'ssd', 'yolov8'] as const) {
    const found = ofFormat(source, format, true);
    if (found) return found;
  }
  return undefined;
}

/** @param guessed the user has not named it, so that names and numbers of columns have to fit too */
function ofFormat(source: DetectorSource, format: DetectionFormatName, guessed = false): Detector | undefined {
  switch (format) {
    case 'yolov8':
    case 'yolov5':
      return fused(source, guessed ? undefined : format);
    case 'ssd':
    case 'detr':
      return separate(source, format, guessed);
    case 'lists':
      return lists(source, guessed);
    default:
      return matrix(source, format, guessed);
  }
}

/** One output with boxes and scores of all candidates. */
function fused(source: DetectorSource, format: 'yolov8' | 'yolov5' | undefined): Detector | undefined {
  const { graph, facts, input, output, classNames } = source;
  for (const { name, dims, float } of outputsOf(source)) {
    if (!float || dims.length !== 3 || (output !== undefined && name !== output)) continue;
    const found = readFused({ graph, facts, tensor: name, dims, classNames }, format);
    if (!found) continue;
    const { ambiguous, ...head } = found;
    const columns = dims[head.boxes.axis]!;
    const grid = head.format === 'yolov5' ? gridLevels(graph, facts, head.boxes) : undefined;
    return {
      output: name,
      boxForm: 'xywh',
      input,
      ...head,
      ...(grid && { grid }),
      ...(ambiguous && {
        ambiguous: {
          doubt: ambiguous,
          text:
            ambiguous === 'scores'
              ? `the ${columns} columns of the output "${name}" may be a box and ${head.classes} classes ('yolov8'), or scores ` +
                'of two kinds that are no detections (`detector: false`, --detector none)'
              : `the ${columns} columns of the output "${name}" may be a box and ${head.classes} classes ('yolov8') or a box, ` +
                `objectness and ${head.classes - 1} class${head.classes === 2 ? '' : 'es'} ('yolov5')`,
        },
      }),
    };
  }
  return undefined;
}

function beforeSuppression(
  { graph, facts, input, output }: DetectorSource,
  { boxes, scores, centre }: { readonly boxes: string; readonly scores: string; readonly centre: boolean },
): Detector {
  const classes = facts.get(scores)!.dims[1]!;
  const part: Columns = { tensor: scores, rowAxis: 2, axis: 1, from: 0, length: classes };
  const behind = activationBehind(graph, facts, part);
  const scale = behind && !behind.logits ? 'probability' : (behind?.kind ?? 'probability');
  const yFirst = graph.outputs.some(({ name }) => /detection_boxes/i.test(name));
  return {
    output: output ?? graph.outputs[0]!.name,
    format: 'ssd',
    boxes: { tensor: boxes, rowAxis: 1, axis: 2, from: 0, length: 4 },
    boxForm: centre ? 'xywh' : yFirst ? 'yxyx' : 'xyxy',
    scores: behind?.logits ?? part,
    scale,
    classes,
    input,
    certain: true,
  };
}
