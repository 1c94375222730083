import type { MethodMaps } from '../maps/apply-method.ts';
import type { NoisyCopies } from '../methods/definition.ts';
import type { Network, NetworkResult } from '../network/network.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { ExplainRequest, MethodRun } from '../request/request.ts';
import type { Runs } from '../result/explanation-fields.ts';
import type { Int8Outcome } from '../scoring/int8-version.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { Work } from './group-runs.ts';

/** One run, and what a method is to make of one set of its layers. */
export interface MethodInput {
  readonly network: Network;
  readonly run: NetworkResult;
  readonly noisy?: ReadonlyMap<string, NoisyCopies>;
  readonly work: readonly Work[];
  readonly method: MethodRun;
  readonly layers: readonly TargetLayer[];
  readonly targets: readonly ResolvedTarget[];
  readonly request: ExplainRequest;
}

/** A method's maps for one image. */
export interface Computed {
  readonly maps: MethodMaps;
  /** Which of the maps is that of the image's first target. */
  readonly first: number;
  readonly milliseconds: number;
  readonly runs: Runs;
  readonly warnings: readonly string[];
  /** Of runs that were made in int8. */
  readonly int8?: Int8Outcome | undefined;
}
