import { throwIfAborted } from '../common/errors.ts';
import { allReady, eachInTurn, type MaybeLater, whenReady } from '../maybe-later.ts';
import type { MaskOptimizers } from '../network/mask-optimizers.ts';
import type { Network } from '../network/network.ts';
import type { Scorers } from '../network/scorers.ts';
import type { ExplainRequest, MethodRun } from '../request/request.ts';
import type { Explanation } from '../result/explanation.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ScoreRow } from '../targets/score.ts';
import { assemble, type Setting, settingFor } from './assemble.ts';
import { checkDetections } from './detection-similarity.ts';
import { reportDetection } from './detections.ts';
import type { Work } from './group-runs.ts';
import { type Computed, computeEach, computeTogether, type SetInput } from './image-maps.ts';
import { type MethodTensors, runForMethod } from './noisy-runs.ts';
import { type RunOutcome, runNetwork } from './run-targets.ts';
import { shapeOf } from './run-tensors.ts';

const NO_WARNINGS: readonly string[] = [];

/** Results of one image: by method, by target, by layer set. */
export type ImageResults = readonly ByTarget[];

/** Results of one image and one method: by target, by layer set. */
type ByTarget = readonly (readonly Explanation[])[];

/**
 * Explains the images of one network run: forward (and backward) pass, the methods, the pictures' maps.
 * @param known warnings that every result gets
 * @throws `ERR_NO_GRADIENT`, `ERR_METHOD_UNSUPPORTED`, `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function explainRun(
  stage: Stage,
  work: readonly Work[],
  request: ExplainRequest,
  known: readonly string[] = [],
): Promise<ImageResults[]> {
  for (const { definition } of request.methods) for (const { targets } of work) checkDetections(definition, targets);
  const outcome = await runNetwork(stage.network, work, request);
  const shared: SharedRun = { stage, work, request, outcome, known };
  const methods = inTurnOrTogether(request.methods, method => explainMethod(shared, method));
  const byMethod = methods instanceof Promise ? await methods : methods;
  // Maps of further passes (guided gradients) may be views on the run's tensors, all other results are copies.
  if (Object.values(request.passes).every(layers => layers === undefined)) outcome.run.release();
  return work.map((_, i) => byMethod.map(perImage => perImage[i]!));
}

/** What the methods of a call share. */
interface SharedRun {
  readonly stage: Stage;
  readonly work: readonly Work[];
  readonly request: ExplainRequest;
  readonly outcome: RunOutcome;
  /** Warnings that every result gets. */
  readonly known: readonly string[];
}

/** A method's results: by image, by target, by layer set. */
function explainMethod(shared: SharedRun, method: MethodRun): MaybeLater<readonly ByTarget[]> {
  const { stage, work, request, outcome } = shared;
  throwIfAborted(request.signal);
  return whenReady(runForMethod(stage.network, work, outcome, method, request), tensors => {
    const { run, noisy } = tensors;
    const perImage = method.needs.scores || method.needs.optimizer;
    const sets = eachInTurn(method.layerSets, layers => {
      const { targets } = outcome;
      const input: SetInput = { network: stage.network, run, noisy, work, method, layers, targets, request };
      return perImage ? computeEach(stage, input) : computeTogether(input);
    });
    return whenReady(sets, computed =>
      allReady(work, ({ targets }, image) =>
        allReady(targets, (_, t) =>
          allReady(computed, (set, s) => explanation(shared, method, tensors, set[image]!, { image, t, s })),
        ),
      ),
    );
  });
}

/** One result of a method: of an image, its target and a set of layers. */
function explanation(
  { stage, work, outcome, known }: SharedRun,
  method: MethodRun,
  { run, passes }: MethodTensors,
  { maps, first, milliseconds, runs, warnings = NO_WARNINGS }: Computed,
  { image, t, s }: { readonly image: number; readonly t: number; readonly s: number },
): MaybeLater<Explanation> {
  const { targets, extraRuns } = outcome;
  const { image: ready } = work[image]!;
  const row = run.rows[image]!;
  const layers = method.layerSets[s]!;
  const target = targets[targets.length > work.length ? t : image]!;
  const report = reportDetection(target, outcome.run, image, ready.placement);
  const found = report ? report.warnings : emptyRegions(target, row);
  return assemble(settingFor(stage.setting, stage.network, targets[0]!), {
    image: ready,
    method,
    layers,
    maps,
    index: Math.min(first + t, maps.verdicts.length - 1),
    row,
    target,
    detection: report?.detection,
    milliseconds: { model: run.milliseconds / work.length, method: milliseconds },
    runs: { ...runs, network: runs.network + 1 + extraRuns + passes },
    shapes: layers.map(layer => shapeOf(run.activations.get(layer.name)!)),
    precision: run.precision,
    warnings: joined([known, method.warnings, run.warnings, maps.warnings, warnings, found]),
  });
}

/** Most lists are empty. */
function joined(lists: readonly (readonly string[])[]): string[] {
  const all: string[] = [];
  for (const list of lists) if (list.length > 0) all.push(...list);
  return all;
}

/**
 * Methods that only read the run's tensors, side by side, so that the kernels that go to threads of their own cost the
 * others nothing; then those that run the network again, each with all threads to itself.
 */
function inTurnOrTogether<T>(
  methods: readonly MethodRun[],
  explain: (method: MethodRun) => MaybeLater<T>,
): MaybeLater<readonly T[]> {
  const runsAgain = ({ definition, needs }: MethodRun): boolean =>
    needs.scores !== undefined ||
    needs.optimizer !== undefined ||
    needs.noise !== undefined ||
    definition.ownScore !== undefined;
  const together = allReady(methods, method => (runsAgain(method) ? undefined : explain(method)));
  return whenReady(together, given => eachInTurn(methods, (method, m) => given[m] ?? explain(method)));
}

/** What explaining needs of the explainer. */
export interface Stage {
  readonly network: Network;
  readonly scorers: Scorers;
  readonly optimizers: MaskOptimizers;
  readonly setting: Setting;
}

/** A sum over no position is exactly zero. */
function emptyRegions({ readout, terms }: ResolvedTarget, row: ScoreRow): readonly string[] {
  if (readout?.kind !== 'region' || readout.region !== 'predicted') return NO_WARNINGS;
  const empty = terms.map(({ index }) => index).filter(index => row.logits[index] === 0);
  return empty.map(index => `class ${index} is predicted nowhere, so that its region is empty; give another region`);
}
