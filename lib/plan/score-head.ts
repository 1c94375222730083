import type { Detector } from '../model/find/detector.ts';
import type { Logits } from '../model/find/logits.ts';
import type { Readout } from '../targets/readout.ts';

/** An output with how scores are made of it, where they are not its values themselves. */
export interface ScoreHead extends Logits {
  readonly readout?: Readout;
  /** Of heads that a detection is read from. */
  readonly detector?: Detector;
}

/** Rows of scores [N, K], and the region as a bool tensor. */
export interface AppendedReadout {
  readonly rows: string;
  readonly region?: string;
  /** Of detections: the candidates' corners in the input's pixels [N,A,4], and their confidences [N,A,K]. */
  readonly candidates?: { readonly boxes: string; readonly confidences: string };
}
