import { throwIfAborted } from '../common/errors.ts';
import type { NetworkResult } from '../network/network.ts';
import type { ExplainRequest, MethodRun } from '../request/request.ts';
import { computeEach } from './compute-each.ts';
import { computeTogether } from './compute-together.ts';
import { checkDetections } from './detection-similarity.ts';
import type { Work } from './group-runs.ts';
import type { Computed, MethodInput } from './method-input.ts';
import { runForMethod } from './noisy-runs.ts';
import { type RunOutcome, runNetwork } from './run-targets.ts';
import type { Runners } from './runners.ts';

/** What one method made of a run. */
export interface ComputedMethod {
  readonly method: MethodRun;
  /** By layer set, by image. */
  readonly sets: readonly (readonly Computed[])[];
  /** The run that it was made of. */
  readonly run: NetworkResult;
  /** Passes made for this method alone, for each image. */
  readonly passes: number;
}

/** What one run of the network, and every method, made of some images: all that results are assembled from. */
export interface ComputedMaps {
  readonly outcome: RunOutcome;
  readonly methods: readonly ComputedMethod[];
  /** Gives the memory of the run's tensors on a device back. */
  release(): void;
}

/**
 * Runs the network on the images of some work, forward and backward, and every method on what that gives.
 * @throws `ERR_NO_GRADIENT`, `ERR_METHOD_UNSUPPORTED`, `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function computeMaps(
  runners: Runners,
  work: readonly Work[],
  request: ExplainRequest,
): Promise<ComputedMaps> {
  for (const { definition } of request.methods) for (const { targets } of work) checkDetections(definition, targets);
  const outcome = await runNetwork(runners.network, work, request);
  const release = () => outcome.run.release();
  try {
    const methods = await computeMethods(request.methods, method =>
      computeMethod(runners, work, request, outcome, method),
    );
    return { outcome, methods, release };
  } catch (error) {
    // Kernels that still run hold their tensors themselves.
    release();
    throw error;
  }
}

/**
 * Methods that only read the run's tensors, side by side, so that the kernels that go to threads of their own cost the
 * others nothing; then those that run the network again, each with all threads to itself.
 */
async function computeMethods(
  methods: readonly MethodRun[],
  compute: (method: MethodRun) => Promise<ComputedMethod>,
): Promise<ComputedMethod[]> {
  const computed = await Promise.all(methods.map(method => (runsAgain(method) ? undefined : compute(method))));
  const all: ComputedMethod[] = [];
  for (const [m, method] of methods.entries()) all.push(computed[m] ?? (await compute(method)));
  return all;
}

function runsAgain({ definition, needs }: MethodRun): boolean {
  return Boolean(needs.scores || needs.optimizer || needs.noise || definition.ownScore);
}

async function computeMethod(
  runners: Runners,
  work: readonly Work[],
  request: ExplainRequest,
  outcome: RunOutcome,
  method: MethodRun,
): Promise<ComputedMethod> {
  throwIfAborted(request.signal);
  const { network } = runners;
  const { targets } = outcome;
  const { run, noisy, passes } = await runForMethod(runners, work, outcome, method, request);
  const sets: Computed[][] = [];
  for (const layers of method.layerSets) {
    const input: MethodInput = { network, run, noisy, work, method, layers, targets, request };
    const perImage = method.needs.scores || method.needs.optimizer;
    sets.push(await (perImage ? computeEach(runners, input) : computeTogether(input)));
  }
  return { method, sets, run, passes };
}
