import { checkParam, checkParamNames, refuseParam } from '../common/params.ts';
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
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  const isNumber = (part: string) => part.trim() !== '' && Number.isFinite(Number(part));
  if (type === 'numbers') {
    const parts = text.split(',');
    // What is no number stays as it was written, so that the error can show it.
    return parts.every(isNumber) ? parts.map(Number) : text;
  }
  if (type === 'threshold') return parseThreshold(text) ?? text;
  return type !== 'string' && isNumber(text) ? Number(text) : text;
}

function checkValue(metric: string, name: string, spec: MetricParam, value: unknown): MetricParamValue {
  const fail = (expected: string): never => refuseParam(metric, name, value, expected);
  switch (spec.type) {
    case 'numbers': {
      const list = typeof value === 'number' ? [value] : value;
      if (!Array.isArray(list) || list.length === 0) return fail('a list of numbers');
      return list.map(one => checkParam(metric, name, { ...spec, type: 'number' }, one, value) as number);
    }
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
