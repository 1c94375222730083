import type { Emitter } from '../autodiff/emitter.ts';
import { reduceSum } from '../autodiff/forms.ts';
import type { Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import { lengthOf } from '../common/sizes.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { Detector } from '../model/find/detector.ts';
import { makeValueInfo } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import type { DetectionReadout } from '../targets/detection.ts';
import type { DetectionSimilarity } from '../targets/readout.ts';
import {
  appendBest,
  appendBestConfidences,
  appendMembers,
  appendSimilarity,
  BOX_INPUT,
  IOU_INPUT,
  Proposals,
  REFERENCE_BOXES_INPUT,
  REFERENCE_CLASSES_INPUT,
} from './detection-graph.ts';
import type { AppendedReadout, ScoreHead } from './score-head.ts';

/** What a run says of a detector's candidates. */
export interface Candidates {
  /** Corners in the input's pixels, [N,A,4]. */
  readonly boxes: FeatureMaps;
  /** [N,A,K]. */
  readonly confidences: FeatureMaps;
}

/**
 * The head whose scores are those of detections.
 * @throws `ERR_MODEL_UNSUPPORTED` for a model that is no detector
 */
export function detectionHead(
  detector: Detector | undefined,
  readout: DetectionReadout | DetectionSimilarity,
  { facts, graph }: Model,
  output: string | undefined,
): ScoreHead {
  if (!detector) {
    const outputs = graph.outputs.map(({ name }) => `"${name}" [${facts.get(name)?.dims ?? '?'}]`);
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `${output === undefined ? 'the outputs of this model are' : `the output "${output}" is`} not recognised as boxes and ` +
        `class scores (${outputs.join(', ')}); say what they are with detection({ format })`,
    );
  }
  const similarity = readout.kind === 'detection-similarity';
  const { scores, classes } = detector;
  // The log-odds of one candidate are the logit of its confidence; sums have no probability.
  const single = similarity || readout.box ? 'regression' : readout.value === 'logit' ? 'sigmoid' : 'confidence';
  return {
    output: detector.output,
    tensor: scores.tensor,
    dims: facts.get(scores.tensor)!.dims,
    classes: similarity ? readout.references.length : classes,
    classAxis: scores.axis,
    spatial: false,
    kind: detector.labels && !similarity ? 'confidence' : single,
    reason: `class scores of a detector (${detector.format})`,
    readout,
    detector,
    ...(detector.note !== undefined && { note: detector.note }),
  };
}

/** Which graph a readout needs. */
export function detectionForm(readout: DetectionReadout | DetectionSimilarity): string {
  const format = JSON.stringify(readout.format ?? null);
  if (readout.kind === 'detection-similarity') return `detection-similarity ${readout.references.length} ${format}`;
  return `detection ${readout.box ? 'box' : 'best'} ${readout.value} ${format}`;
}

/**
 * Appends scores [N,K]: sums over the candidates that count, which the graph finds itself unless they are fed. No gradient
 * flows through that choice. Of detections the largest confidence.
 * @param region name of the input for the candidates, where they are fed; detections are found again in every run
 */
export function appendDetectionReadout(
  emit: Emitter,
  detector: Detector,
  readout: DetectionReadout | DetectionSimilarity,
  region: string | undefined,
): AppendedReadout {
  const proposals = new Proposals(emit, detector);
  if (readout.kind === 'detection-similarity')
    return { rows: appendSimilarity(emit, proposals, readout.references.length).name };
  const boxed = readout.box !== undefined;
  if (detector.labels) {
    const rows = appendBestConfidences(emit, proposals, boxed).name;
    return { rows, candidates: { boxes: proposals.boxes.name, confidences: proposals.confidences.name } };
  }
  const scores = readout.value === 'logit' ? proposals.logits : proposals.confidences;
  const counted = region
    ? fedRegion(emit, region)
    : boxed
      ? appendMembers(emit, proposals.boxes)
      : appendBest(emit, scores);
  const sums = reduceSum(emit, emit.mul(scores, emit.cast(counted, 'float32')), [1]);
  const rows = emit.reshape(sums, [scores.dims[0]!, scores.dims[2]!]).name;
  if (region) return { rows };
  return {
    rows,
    region: counted.name,
    candidates: { boxes: proposals.boxes.name, confidences: proposals.confidences.name },
  };
}

function fedRegion(emit: Emitter, name: string): Value {
  emit.graph.inputs.push(makeValueInfo(name, 'bool', [-1, -1, -1]));
  return { name, type: 'bool', dims: [-1, -1, -1] };
}

/** What a readout is fed besides candidates that were found by a run. */
export function detectionFeeds(readout: DetectionReadout | DetectionSimilarity): Record<string, Tensor> {
  if (readout.kind === 'detection') {
    if (!readout.box) return {};
    const [x, y, width, height] = readout.box;
    return {
      [BOX_INPUT]: { type: 'float32', data: Float32Array.of(x, y, x + width, y + height), dims: [1, 4] },
      [IOU_INPUT]: { type: 'float32', data: Float32Array.of(readout.iou), dims: [1] },
    };
  }
  const { references } = readout;
  const count = references.length;
  const size = references[0]!.classes.length;
  const classes = new Float32Array(size * count);
  for (const [t, { classes: vector }] of references.entries()) {
    const length = lengthOf(vector) || 1;
    vector.forEach((value, k) => {
      classes[k * count + t] = value / length;
    });
  }
  const corners = Float32Array.from(references.flatMap(one => one.corners));
  return {
    [REFERENCE_BOXES_INPUT]: { type: 'float32', data: corners, dims: [count, 4] },
    [REFERENCE_CLASSES_INPUT]: { type: 'float32', data: classes, dims: [size, count] },
  };
}
