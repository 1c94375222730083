import { type Command, InvalidArgumentError, Option } from 'commander';
import { type MetricSpec, usualMetrics } from '../../metrics/choose.ts';
import { METRIC_CONVENTIONS, type MetricConvention, type MetricParamValue } from '../../metrics/definition.ts';
import { parseMetricParam } from '../../metrics/params.ts';
import { findMetric, METRICS } from '../../metrics/registry.ts';
import type { CommandContext } from '../context.ts';
import { names, type OwnedParam, ownedParam } from './option-values.ts';

/** What maps are judged by: of `measure` and `evaluate`. */
export interface MetricFlags {
  readonly metric?: readonly string[];
  readonly metricParam: readonly OwnedParam[];
  readonly convention?: MetricConvention;
  readonly truth?: string;
}

/** Declares these options. */
export function addMetricOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--metric <names>',
        "a metric, several with commas, or 'all' (see `onnx-cam metrics`; default: those that do not explain again, with --truth also those that need it)",
      ).argParser(names),
    )
    .addOption(
      new Option(
        '--metric-param <metric.name=value>',
        "a metric's parameter, such as deletion.steps=20, repeated for several (see `onnx-cam metrics --json`)",
      )
        .argParser(ownedParam('METRIC', 'deletion.steps=20'))
        .default([], 'none'),
    )
    .addOption(
      new Option('--convention <name>', 'whose formulas and defaults (default: "paper")').choices(METRIC_CONVENTIONS),
    )
    .option(
      '--truth <path>',
      "where the objects are: a folder of masks (STEM.png) or of VOC's XML, a COCO file (.json), a table file,label,x,y,w,h (.csv)",
    );
}

/**
 * The metrics with their parameters as values. `all` are those for which everything is there; what is left out is told.
 * @param has whether there is a truth, and a method that can explain again
 * @returns nothing where none was named
 * @throws `ERR_METRIC_UNKNOWN`, `ERR_OPTION_INVALID` for parameters of a metric that is not among them
 */
export function metricSpecs(
  { metric, metricParam }: MetricFlags,
  has: { readonly truth: boolean; readonly method: boolean },
  console: CommandContext['console'],
): readonly MetricSpec[] | undefined {
  const params = new Map<string, Record<string, MetricParamValue>>();
  for (const { owner, name, value } of metricParam) {
    const definition = findMetric(owner);
    const own = params.get(definition.name) ?? {};
    own[name] = parseMetricParam(definition, name, value) as MetricParamValue;
    params.set(definition.name, own);
  }
  if (metric === undefined && params.size === 0) return undefined;
  const isThere = ({ needs }: (typeof METRICS)[number]) =>
    (!needs.truth || has.truth) && (!(needs.explanations || needs.randomized) || has.method);
  const wanted = new Set<string>();
  const named = metric ?? usualMetrics(has.truth);
  for (const name of named) {
    if (name.toLowerCase() !== 'all') wanted.add(findMetric(name).name);
    else for (const definition of METRICS.filter(isThere)) wanted.add(definition.name);
  }
  if (metric?.some(name => name.toLowerCase() === 'all')) {
    const leftOut = METRICS.filter(({ name }) => !wanted.has(name)).map(({ name }) => name);
    if (leftOut.length > 0)
      console.note(
        `left out: ${leftOut.join(', ')} (${has.truth ? '' : 'without --truth'}${has.truth || has.method ? '' : ', '}${has.method ? '' : 'without --method'})`,
      );
  }
  // A parameter asks for its metric too, where none is named; a name that is missing is a slip.
  for (const name of params.keys()) {
    if (wanted.has(name)) continue;
    if (metric !== undefined)
      throw new InvalidArgumentError(`--metric-param ${name}.…: ${name} is none of the metrics that --metric names.`);
    wanted.add(name);
  }
  return [...wanted].map(name => (params.has(name) ? { metric: name, params: params.get(name)! } : name));
}
