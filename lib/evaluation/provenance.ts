import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import type { MetricParams } from '../metrics/definition.ts';

/** Without it numbers of two runs cannot be compared. */
export interface Provenance {
  readonly versions: Readonly<Record<string, string | null>>;
  readonly model: { readonly path: string | null; readonly sha256: string | null };
  readonly images: {
    /** That the source gave, as far as it was read. */
    readonly given: number;
    /** Such as `all of photos/`, `the first 100 of photos/`. */
    readonly chosen: string;
    /** By `only`. */
    readonly leftOut: number;
  };
  readonly preprocess: ResolvedPreprocess | null;
  readonly target: string;
  readonly convention: string;
  /** By metric, defaults filled in: the score that is read and the baseline among them. */
  readonly params: Readonly<Record<string, MetricParams>>;
  readonly truth: { readonly from: string; readonly unmatched: number } | null;
  readonly seed: number;
  readonly bootstrap: { readonly resamples: number; readonly interval: string };
  readonly started: string;
  /** Whether rows of an earlier run were taken over. */
  readonly resumed: boolean;
  readonly warnings: readonly string[];
}
