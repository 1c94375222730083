import type { Tensor } from '../engine/tensor.ts';
import { addGradientPowers } from '../kernels/gradient-powers.ts';
import { noisyCopies } from '../kernels/random.ts';
import type { NoisyCopies } from '../methods/definition.ts';
import type { Network, NetworkResult } from '../network/network.ts';
import { seedFormOf } from '../network/seeds.ts';
import type { ExplainRequest, MethodRun } from '../request/request.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import { changedRuns } from './changed-runs.ts';
import type { Work } from './group-runs.ts';
import { imagesOf, type RunOutcome, runTargets, takesManyScores, withoutRanks } from './run-targets.ts';
import type { Runners } from './runners.ts';

/** What a method computes from. */
export interface MethodTensors {
  /** The run shared with the other methods, with the gradients of the method's own score where it has one. */
  readonly run: NetworkResult;
  /** Of methods that need them, by layer: what is kept of runs on noisy copies of the images. */
  readonly noisy?: ReadonlyMap<string, NoisyCopies>;
  /** Passes made for this method alone, for each image. */
  readonly passes: number;
}

/**
 * Makes the runs of the network that a method doesn't share with others.
 * @throws `ERR_METHOD_UNSUPPORTED` for targets that the method's own score cannot be made of; what a run throws
 */
export async function runForMethod(
  runners: Pick<Runners, 'network' | 'schedule'>,
  work: readonly Work[],
  outcome: RunOutcome,
  method: MethodRun,
  request: ExplainRequest,
): Promise<MethodTensors> {
  const { ownScore } = method.definition;
  if (ownScore) return ownScoreRun(runners.network, work, outcome, method, request);
  if (method.needs.noise) return noisyRuns(runners, work, outcome, method, request);
  return { run: outcome.run, passes: 0 };
}

/** The targets with classes in the place of ranks. */
function classTargets(work: readonly Work[], { run, targets }: RunOutcome): ResolvedTarget[] {
  const many = targets.length > work.length;
  return targets.map((target, t) => withoutRanks(target, run.rows[many ? 0 : t]!));
}

async function ownScoreRun(
  network: Network,
  work: readonly Work[],
  outcome: RunOutcome,
  method: MethodRun,
  { signal }: ExplainRequest,
): Promise<MethodTensors> {
  const { definition, layerSets } = method;
  const many = outcome.targets.length > work.length;
  const { output, readout } = outcome.targets[0]!;
  const targets = classTargets(work, outcome).map((target, t): ResolvedTarget => {
    definition.ownScore!.check(target, network.head(outcome.targets[0]!).classes);
    return { ...target, terms: definition.ownScore!.terms(outcome.run.rows[many ? 0 : t]!, target, method) };
  });
  const layers = layerSets.flat();
  const { run, passes } = await runTargets(network, {
    images: await imagesOf(network, work),
    count: work.length,
    plan: {
      output,
      readout,
      activations: [],
      gradients: layers.map(({ name }) => name),
      seed: { kind: 'dense', views: ['logit'] },
      manyScores: takesManyScores(network, work.length, targets.length),
    },
    layers,
    targets,
    signal,
  });
  return {
    run: { ...outcome.run, gradients: run.gradients, milliseconds: outcome.run.milliseconds + run.milliseconds },
    passes,
  };
}

async function noisyRuns(
  { network, schedule }: Pick<Runners, 'network' | 'schedule'>,
  work: readonly Work[],
  outcome: RunOutcome,
  method: MethodRun,
  { layers, gradients, passes: shared, seed, signal }: ExplainRequest,
): Promise<MethodTensors> {
  const noise = method.needs.noise!;
  const clean = await imagesOf(network, work);
  const targets = classTargets(work, outcome);
  // The plan of the shared run, whose session is there already.
  const plan = {
    output: targets[0]!.output,
    readout: targets[0]!.readout,
    activations: layers.map(({ name }) => name),
    gradients,
    passes: shared,
    seed: seedFormOf(targets),
    manyScores: takesManyScores(network, work.length, targets.length),
  };
  const run = async (images: Tensor<'float32'>) => [
    await runTargets(network, { images, count: work.length, plan, layers, targets, signal }),
  ];
  const copies = noisyCopies(clean, work.length, noise, seed);
  const noisy = new Map<string, NoisyCopies>();
  let passes = 0;
  for await (const one of changedRuns(copies, run, { schedule, total: noise.runs, signal })) {
    for (const { name } of method.layerSets.flat()) {
      const [activations, own] = [one.run.activations.get(name)!, one.run.gradients.get(name)!];
      noisy.set(name, { powers: await addGradientPowers(own, noisy.get(name)?.powers), activations, gradients: own });
    }
    passes += one.passes;
  }
  return { run: outcome.run, noisy, passes };
}
