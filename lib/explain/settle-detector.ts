import type { Detector } from '../model/find/detector.ts';
import { inputSize, type ReadyImage } from '../network/images.ts';
import type { Network } from '../network/network.ts';
import type { Candidates } from '../plan/detection-readout.ts';
import { parseDetection } from '../targets/detection.ts';
import type { HeadChoice } from '../targets/resolve.ts';
import { imagesOf } from './run-targets.ts';

/** A score from which a candidate says something of its columns, and one below which a class is not there. */
const STRONG = 0.3;
const NOTHING = 0.05;
/** Candidates that have to agree. */
const FEWEST = 3;
/** Share of boxes that have to lie inside the picture, and how far they may reach out, in sizes of the input. */
const MOST = 0.9;
const REACH = 0.05;

/**
 * Where a detector's columns may be read in two ways, runs it on a picture once and lets the values decide, if they do:
 * boxes lie inside the picture; objectness is high together with one other class, a first class is high alone.
 * @throws what running a network throws
 */
export async function settleDetector(
  network: Network,
  choice: HeadChoice,
  image: ReadyImage,
  signal: AbortSignal | undefined,
): Promise<void> {
  const detector = network.unsettled(choice);
  if (!detector || detector.ambiguous!.doubt === 'order') return;
  const { output } = choice;
  const readout = parseDetection({ format: 'yolov8' });
  const { candidates } = await network.run({
    images: await imagesOf(network, [{ image, targets: [], index: 0 }]),
    plan: { output, readout, activations: [], gradients: [], manyScores: false, candidates: true },
    layers: [],
    targets: [],
    signal,
  });
  const format = candidates && formatOf(detector, candidates, inputSize(image));
  if (!format) return;
  const { text } = detector.ambiguous!;
  network.settle(
    output,
    { name: format },
    `${text}: '${format}' was taken because of the values for this picture; say otherwise with the option \`detector\` ` +
      '(--detector FORMAT)',
  );
}

function formatOf(
  { ambiguous }: Detector,
  { boxes, confidences }: Candidates,
  { width, height }: { readonly width: number; readonly height: number },
): 'yolov8' | 'yolov5' | undefined {
  const [, count, classes] = confidences.dims as [number, number, number];
  if (ambiguous!.doubt === 'scores') return mostInside(boxes.data, count, width, height) ? 'yolov8' : undefined;
  let together = 0;
  let alone = 0;
  let unclear = 0;
  for (let a = 0; a < count; a++) {
    const scores = confidences.data.subarray(a * classes, (a + 1) * classes);
    if (!(scores[0]! > STRONG)) continue;
    const [best = 0, second = 1] = Float32Array.from(scores.subarray(1)).sort().reverse();
    if (best < NOTHING) alone++;
    else if (best > STRONG && second < NOTHING) together++;
    else unclear++;
  }
  if (alone >= FEWEST && together === 0 && unclear <= alone) return 'yolov8';
  return together >= FEWEST && alone === 0 && unclear <= together ? 'yolov5' : undefined;
}

function mostInside(corners: Float32Array, count: number, width: number, height: number): boolean {
  let inside = 0;
  for (let a = 0; a < count; a++) {
    const [x1, y1, x2, y2] = corners.subarray(4 * a, 4 * a + 4) as unknown as [number, number, number, number];
    const low = Math.min(x1 / width, y1 / height);
    const high = Math.max(x2 / width, y2 / height);
    if (low >= -REACH && high <= 1 + REACH) inside++;
  }
  return inside >= MOST * count;
}
