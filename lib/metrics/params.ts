import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';
import { didYouMean } from '../common/suggest.ts';
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
  for (const name of Object.keys(given))
    if (!Object.hasOwn(specs, name))
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `${metric.name} has no parameter '${name}'${didYouMean(name, Object.keys(specs))}; it has ${Object.keys(specs).join(', ') || 'none'}`,
      );
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
  const fail = (expected: string): never => {
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `${metric}: parameter '${name}' must be ${expected}, not ${shown(value)}`,
    );
  };
  const number = (one: unknown, whole: boolean): number => {
    if (typeof one !== 'number' || !Number.isFinite(one)) return fail('a finite number');
    if (whole && !Number.isInteger(one)) return fail('a whole number');
    if (spec.min !== undefined && one < spec.min) return fail(`at least ${spec.min}`);
    if (spec.max !== undefined && one > spec.max) return fail(`at most ${spec.max}`);
    return one;
  };
  switch (spec.type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : fail('true or false');
    case 'string':
      if (typeof value !== 'string' || (spec.values && !spec.values.includes(value)))
        return fail(spec.values ? `one of ${spec.values.join(', ')}` : 'a string');
      return value;
    case 'numbers':
      if (typeof value === 'number') return [number(value, false)];
      if (!Array.isArray(value) || value.length === 0) return fail('a list of numbers');
      return value.map(one => number(one, false));
    case 'threshold':
      return checkThreshold(`${metric}: parameter '${name}'`, value);
    case 'baseline':
      if (typeof value === 'string' && (BASELINES as readonly string[]).includes(value)) return value;
      return typeof value === 'number' && Number.isFinite(value)
        ? value
        : fail(`one of ${BASELINES.join(', ')}, or a number`);
    default:
      if (typeof value === 'string' && spec.values)
        return spec.values.includes(value) ? value : fail(`a number or one of ${spec.values.join(', ')}`);
      return number(value, spec.type === 'integer');
  }
}
