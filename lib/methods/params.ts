import { inspect } from 'node:util';
import { OnnxCamError } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import type { MethodDefinition, ParamSpec, ParamValue, ParamValues } from './definition.ts';

/** Parameters every method has. */
export const COMMON_PARAMS: Readonly<Record<string, ParamSpec>> = {
  relu: { type: 'boolean', description: 'the outermost ReLU (default: as the method and convention have it)' },
  eigenSmooth: {
    type: 'boolean',
    default: false,
    description: 'replace the sum over channels by the first principal component of the weighted activations',
  },
};

export function paramSpecs(method: MethodDefinition): Readonly<Record<string, ParamSpec>> {
  return { ...COMMON_PARAMS, ...method.params };
}

/**
 * Checks what the user gave against a method's parameters and fills in the defaults.
 * @throws `ERR_OPTION_INVALID` for an unknown name or a value out of range.
 */
export function resolveParams(method: MethodDefinition, given: Readonly<Record<string, unknown>>): ParamValues {
  const specs = paramSpecs(method);
  for (const name of Object.keys(given))
    if (!specs[name])
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `${method.name} has no parameter '${name}'${didYouMean(name, Object.keys(specs))}; it has ${Object.keys(specs).join(', ')}`,
      );
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const value = given[name];
      return [name, value === undefined ? spec.default : checkValue(method.name, name, spec, value)];
    }),
  );
}

/**
 * A parameter from the command line's text, by its declared type.
 * @throws `ERR_OPTION_INVALID` when the text doesn't fit the type.
 */
export function parseParam(method: MethodDefinition, name: string, text: string): unknown {
  const spec = paramSpecs(method)[name];
  if (spec?.type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  const isNumber = spec?.type === 'number' || spec?.type === 'integer';
  // What is no number stays as it was written, so that the error can show it.
  return isNumber && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function checkValue(method: string, name: string, spec: ParamSpec, value: unknown): ParamValue {
  const fail = (expected: string): never => {
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `${method}: parameter '${name}' must be ${expected}, not ${typeof value === 'string' ? JSON.stringify(value) : inspect(value)}`,
    );
  };
  if (spec.type === 'boolean') return typeof value === 'boolean' ? value : fail('true or false');
  if (spec.type === 'string') {
    if (typeof value !== 'string' || (spec.values && !spec.values.includes(value)))
      return fail(spec.values ? `one of ${spec.values.join(', ')}` : 'a string');
    return value;
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) return fail('a finite number');
  if (spec.type === 'integer' && !Number.isInteger(value)) return fail('a whole number');
  if (spec.min !== undefined && value < spec.min) return fail(`at least ${spec.min}`);
  if (spec.max !== undefined && value > spec.max) return fail(`at most ${spec.max}`);
  return value;
}
