import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import type { MetricParams } from '../metrics/definition.ts';

/** Without it numbers of two runs cannot be compared. */
export interface Provenance {
  /** Of onnx-cam, Node, ONNX Runtime and the like. */
  readonly versions: Readonly<Record<string, string | null>>;
  /** The file and its SHA-256; null for bytes. */
  readonly model: { readonly path: string | null; readonly sha256: string | null };
  /** Which images. */
  readonly images: {
    /** That the source gave, as far as it was read. */
    readonly given: number;
    /** Such as `all of photos/`, `the first 100 of photos/`. */
    readonly chosen: string;
    /** By `only`. */
    readonly leftOut: number;
  };
  /** How pictures became tensors; null for tensors. */
  readonly preprocess: ResolvedPreprocess | null;
  /** Of every image. */
  readonly target: string;
  /** The metrics'. */
  readonly convention: string;
  /** By metric, defaults filled in: the score that is read and the baseline among them. */
  readonly params: Readonly<Record<string, MetricParams>>;
  /** Where it came from, and how many of its entries no image asked for; null without. */
  readonly truth: { readonly from: string; readonly unmatched: number } | null;
  /** Of everything random. */
  readonly seed: number;
  /** How intervals were made. */
  readonly bootstrap: { readonly resamples: number; readonly interval: string };
  /** When, in ISO 8601. */
  readonly started: string;
  /** Whether rows of an earlier run were taken over. */
  readonly resumed: boolean;
  /** What is to be known before the numbers are used. */
  readonly warnings: readonly string[];
}
