import { checkNumbers, checkParam, checkParamNames, parseParamText, refuseParam } from '../common/params.ts';
import { checkThreshold, parseThreshold } from '../result/threshold.ts';
import { BASELINES } from './baseline.ts';
import type { MetricConvention, MetricDefinition, MetricParam, MetricParams, MetricParamValue } from './definition.ts';

/**
 * Checks what the user gave against a metric's parameters and fills in the convention's defaults.
 * @throws `ERR_OPTION_INVALID` for an unknown name or a value out of range.
 */
export function resolveMetricParams(
  metric: MetricDefinition,
  given: Readonly<Record<string, unknown>>,
  convention: MetricConvention,
): MetricParams {
  const specs = metric.params ?? {};
  checkParamNames(metric.name, given, specs);
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const value = given[name];
      const standard = spec.defaults?.[convention] ?? spec.default;
      return [name, value === undefined ? standard : checkValue(metric.name, name, spec, value)];
    }),
  );
}

/** A parameter from the command line's text: numbers and lists of them where it takes some. */
export function parseMetricParam(metric: MetricDefinition, name: string, text: string): unknown {
  const type = metric.params?.[name]?.type;
  if (type === 'threshold') return parseThreshold(text) ?? text;
  return parseParamText(type, text);
}

function checkValue(metric: string, name: string, spec: MetricParam, value: unknown): MetricParamValue {
  const fail = (expected: string): never => refuseParam(metric, name, value, expected);
  switch (spec.type) {
    case 'numbers':
      return checkNumbers(metric, name, { min: spec.min, max: spec.max }, value);
    case 'threshold':
      return checkThreshold(`${metric}: parameter '${name}'`, value);
    case 'baseline':
      if (typeof value === 'string' && (BASELINES as readonly string[]).includes(value)) return value;
      return typeof value === 'number' && Number.isFinite(value)
        ? value
        : fail(`one of ${BASELINES.join(', ')}, or a number`);
    case 'number':
    case 'integer':
      if (typeof value === 'string' && spec.values)
        return spec.values.includes(value) ? value : fail(`a number or one of ${spec.values.join(', ')}`);
      return checkParam(metric, name, spec, value);
    default:
      return checkParam(metric, name, spec, value);
  }
}
