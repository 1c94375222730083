import { throwIfAborted } from '../errors.ts';
import type { Explanation } from '../explanation.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import { assemble, type Setting, settingFor } from './assemble.ts';
import { checkDetections } from './detection-similarity.ts';
import { reportDetection } from './detections.ts';
import { type Computed, computeEach, computeTogether, type SetInput } from './image-maps.ts';
import type { MaskOptimizers } from './mask-optimizers.ts';
import { runForMethod } from './method-runs.ts';
import type { Network } from './network.ts';
import type { ExplainRequest, MethodRun } from './request.ts';
import { runNetwork } from './run-network.ts';
import { shapeOf } from './run-tensors.ts';
import type { Scorers } from './scorers.ts';
import type { Work } from './work.ts';

/** Results of one image: by method, by target, by layer set. */
export type ImageResults = Explanation[][][];

/**
 * Explains the images of one network run: forward (and backward) pass, the methods, the pictures' maps.
 * @param known warnings that every result gets
 * @throws `ERR_NO_GRADIENT`, `ERR_METHOD_UNSUPPORTED`, `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function explainRun(
  { network, scorers, optimizers, setting }: Stage,
  work: readonly Work[],
  request: ExplainRequest,
  known: readonly string[] = [],
): Promise<ImageResults[]> {
  for (const { definition } of request.methods) for (const { targets } of work) checkDetections(definition, targets);
  const outcome = await runNetwork(network, work, request);
  const { targets, extraRuns } = outcome;
  const many = targets.length > work.length;
  const own = settingFor(setting, network, targets[0]!);
  const explainMethod = async (method: MethodRun): Promise<Explanation[][][]> => {
    throwIfAborted(request.signal);
    const sets: (readonly Computed[])[] = [];
    const { run, noisy, passes } = await runForMethod(network, work, outcome, method, request);
    for (const layers of method.layerSets) {
      const input: SetInput = { network, run, noisy, work, method, layers, targets, request };
      const perImage = method.needs.scores || method.needs.optimizer;
      sets.push(perImage ? await computeEach({ scorers, optimizers }, input) : await computeTogether(input));
    }
    const result = (i: number, t: number, set: number): Promise<Explanation> => {
      const { image } = work[i]!;
      const { maps, first, milliseconds, runs, warnings = [] } = sets[set]![i]!;
      const layers = method.layerSets[set]!;
      const target = targets[many ? t : i]!;
      const report = reportDetection(target, outcome.run, i, image.placement);
      const found = report?.warnings ?? emptyRegions(target, run.rows[i]!);
      return assemble(own, {
        image,
        method,
        layers,
        maps,
        index: Math.min(first + t, maps.verdicts.length - 1),
        row: run.rows[i]!,
        target,
        detection: report?.detection,
        milliseconds: { model: run.milliseconds / work.length, method: milliseconds },
        runs: { ...runs, network: runs.network + 1 + extraRuns + passes },
        shapes: layers.map(layer => shapeOf(run.activations.get(layer.name)!)),
        precision: run.precision,
        warnings: [...known, ...method.warnings, ...run.warnings, ...maps.warnings, ...warnings, ...found],
      });
    };
    const pending = work.map(({ targets: wanted }, i) => wanted.map((_, t) => sets.map((_, set) => result(i, t, set))));
    const results = await Promise.all(pending.flat(2));
    let next = 0;
    return pending.map(byTarget => byTarget.map(byLayer => byLayer.map(() => results[next++]!)));
  };
  const byMethod = await inTurnOrTogether(request.methods, explainMethod);
  // Maps of further passes (guided gradients) may be views on the run's tensors, all other results are copies.
  if (Object.values(request.passes).every(layers => layers === undefined)) outcome.run.release();
  return work.map((_, i) => byMethod.map(perImage => perImage[i]!));
}

/**
 * Methods that only read the run's tensors, side by side, so that the kernels that go to threads of their own cost the
 * others nothing; then those that run the network again, each with all threads to itself.
 */
async function inTurnOrTogether<T>(
  methods: readonly MethodRun[],
  explain: (method: MethodRun) => Promise<T>,
): Promise<T[]> {
  const runsAgain = ({ definition, needs }: MethodRun): boolean =>
    needs.scores !== undefined ||
    needs.optimizer !== undefined ||
    needs.noise !== undefined ||
    definition.ownScore !== undefined;
  const together = await Promise.all(methods.map(method => (runsAgain(method) ? undefined : explain(method))));
  const results: T[] = [];
  for (const [m, method] of methods.entries()) results.push(together[m] ?? (await explain(method)));
  return results;
}

/** What explaining needs of the explainer. */
export interface Stage {
  readonly network: Network;
  readonly scorers: Scorers;
  readonly optimizers: MaskOptimizers;
  readonly setting: Setting;
}

/** A sum over no position is exactly zero. */
function emptyRegions({ readout, terms }: ResolvedTarget, row: ScoreRow): string[] {
  if (readout?.kind !== 'region' || readout.region !== 'predicted') return [];
  const empty = terms.map(({ index }) => index).filter(index => row.logits[index] === 0);
  return empty.map(index => `class ${index} is predicted nowhere, so that its region is empty; give another region`);
}
