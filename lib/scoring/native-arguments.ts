import type { Maps } from '../kernels/types.ts';
import type { Activation } from '../targets/score.ts';
import type { ScoreView } from '../targets/target.ts';
import type { MaskRequest } from './mask-request.ts';
import type { NativeRule } from './native-scoring.ts';
import { type SettledTarget, termsIn } from './target-terms.ts';

/** Numbers of `MaskGrid` in native/kernels/mask/mask_batch.hpp. */
export const GRIDS = { bilinear: 0, 'align-corners': 1, mirror: 2 } as const;
const STRETCHES = { none: 0, before: 1, after: 2 } as const;
const NOISE_TARGETS = { mask: 1, input: 2 } as const;
const VIEWS: Readonly<Record<ScoreView, number>> = { logit: 0, probability: 1, logProbability: 2, rest: 3 };

/** Group-CAM's blurred image: 51 × 51 Gaussian of deviation 50 (its official code). */
export const BLUR = { radius: 25, deviation: 50 } as const;

export function toNativeTargets(
  targets: readonly SettledTarget[],
  view: ScoreView | undefined,
  activation: Activation,
) {
  return {
    sigmoid: activation === 'sigmoid',
    targets: targets.map(target =>
      termsIn(target, view).map(({ view: viewName, index, weight, opposite = false }) => ({
        viewName,
        // Scores that are probabilities have no other view.
        view: activation === 'none' ? VIEWS.logit : VIEWS[viewName],
        index,
        weight,
        opposite,
      })),
    ),
  };
}

/** The parts of a mask request that need no image. */
export function maskSettings(request: MaskRequest, { data, dims }: Maps) {
  const rule: NativeRule = {
    stretch: STRETCHES[request.rule.normalize],
    epsilon: request.rule.epsilon,
    complement: request.rule.complement ?? false,
  };
  const repeats = request.noise
    ? new Float32Array(request.noise.samples).fill(1)
    : Float32Array.from(request.scales ?? [1]);
  const noise = request.noise
    ? {
        target: NOISE_TARGETS[request.noise.target],
        deviation: request.noise.sigma,
        seed: request.noise.seed >>> 0,
      }
    : { target: 0, deviation: 0, seed: 0 };
  return { selected: selectMaps(data, dims, request.select), rule, repeats, noise };
}

/** The selected maps on their own: all of them as they are, a choice as a copy. */
function selectMaps(data: Float32Array, dims: Maps['dims'], select: Uint32Array | undefined) {
  if (!select) return { maps: data, dims };
  const positions = dims[1] * dims[2];
  const maps = new Float32Array(select.length * positions);
  select.forEach((map, index) => {
    maps.set(data.subarray(map * positions, (map + 1) * positions), index * positions);
  });
  return { maps, dims: [select.length, dims[1], dims[2]] as const };
}
