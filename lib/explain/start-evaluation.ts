import { packageVersion } from '#package';
import { runtimeInfo } from '../engine/library.ts';
import type { Provenance } from '../evaluation/provenance.ts';
import type { RunIdentity } from '../evaluation/run-record.ts';
import { openSource, type StreamSource } from '../io/picture-stream.ts';
import type { MetricParams } from '../metrics/definition.ts';
import type { ExplainSource } from '../network/images.ts';
import { openTruth } from '../truth/open-truth.ts';
import type { TruthInput } from '../truth/truth.ts';
import type { EvaluationPlan } from './evaluate-image.ts';
import { type EvaluateOptions, isNamed, type NamedTensor } from './evaluate-options.ts';
import { imageRows, planOf } from './evaluate-rows.ts';
import { Evaluation } from './evaluation.ts';
import type { CallParts } from './explain-call.ts';
import type { MeasureCalls } from './measure-call.ts';
import { mapConvention } from './measure-options.ts';
import { targetText } from './target-text.ts';

/** Images that the page shows, by default. */
const PICTURES = 300;

/** What an evaluation needs of its explainer. */
export interface EvaluatingParts extends CallParts {
  readonly calls: MeasureCalls;
}

/**
 * Sets an evaluation up; its images are read when its rows are.
 * @throws what is wrong for every image: `ERR_METHOD_UNKNOWN`, `ERR_METHOD_UNSUPPORTED`, `ERR_METRIC_UNKNOWN`,
 * `ERR_LAYER_NOT_FOUND`, `ERR_OPTION_INVALID`
 */
export function startEvaluation<T extends ExplainSource | NamedTensor>(
  parts: EvaluatingParts,
  source: StreamSource<T>,
  options: EvaluateOptions,
): Evaluation {
  const plan = planOf(options);
  const { requests, network } = parts.stages.base;
  for (const { convention, layerName: _, ...how } of plan.variants)
    requests.make({ ...how, convention: mapConvention(convention) });
  const {
    seed = 0,
    signal,
    limit,
    folder,
    resume = false,
    pictures = PICTURES,
    onProgress,
    concurrency = parts.schedule.concurrency,
  } = options;
  const truth = options.truth === undefined ? undefined : openTruth(options.truth);
  // It is told where images are read.
  truth?.catch(() => {});
  const settings = settingsOf(parts, options);
  const [metrics] = plan.metrics.values();
  const from = typeof source === 'string' ? source : 'the images given';
  return new Evaluation({
    source: () => openSource(source),
    evaluate: async (input, index, known) => {
      const end = parts.schedule.begin(1);
      try {
        return await imageRows({ calls: parts.calls, plan, options, truth: await truth, nameOf }, input, index, known);
      } finally {
        end();
      }
    },
    nameOf,
    identity: async (): Promise<RunIdentity> => ({
      version: packageVersion(),
      model: await network.model.sha256(),
      settings: settings(),
      metrics: paramsByMetric(plan),
    }),
    provenance: async (): Promise<Omit<Provenance, 'images' | 'bootstrap' | 'started' | 'resumed'>> => {
      const found = await truth;
      return {
        versions: { 'onnx-cam': packageVersion(), node: process.versions.node, onnxruntime: await runtimeVersion() },
        model: { path: network.model.path ?? null, sha256: await network.model.sha256() },
        preprocess: network.model.input.dims.length === 4 ? parts.reading.preprocessing().resolved : null,
        target: targetText(options.target),
        convention: [...plan.metrics.keys()].join(', '),
        params: paramsByMetric(plan),
        truth: found ? { from: truthText(options.truth!), unmatched: found.unmatched() } : null,
        seed,
        warnings: [...(found?.warnings() ?? [])],
      };
    },
    summed: { metrics: metrics!.map(({ definition: { name, direction } }) => ({ name, direction })), seed },
    limit,
    chosen: limit === undefined ? `all of ${from}` : `the first ${limit} of ${from}`,
    concurrency,
    folder,
    resume,
    pictures,
    signal,
    onProgress,
  });
}

/** A path as it was given; other images by the name they have, or their place. */
function nameOf(input: unknown, index: number): string {
  if (typeof input === 'string') return input;
  return isNamed(input) ? input.name : `#${index}`;
}

function settingsOf({ reading, stages }: EvaluatingParts, options: EvaluateOptions): () => RunIdentity['settings'] {
  return () => ({
    target: targetText(options.target),
    preprocess: stages.base.network.model.input.dims.length === 4 ? reading.preprocessing().resolved : null,
    truth: options.truth === undefined ? null : truthText(options.truth),
    seed: options.seed ?? 0,
    only: options.only ?? null,
  });
}

const truthText = (truth: TruthInput): string => (typeof truth === 'string' ? truth : 'given by the caller');

/** Of the first convention, which as a rule is the only one. */
function paramsByMetric(plan: EvaluationPlan): Record<string, MetricParams> {
  const [metrics] = plan.metrics.values();
  return Object.fromEntries(metrics!.map(({ definition, params }) => [definition.name, params]));
}

async function runtimeVersion(): Promise<string | null> {
  return runtimeInfo().then(
    ({ version }) => version,
    () => null,
  );
}
