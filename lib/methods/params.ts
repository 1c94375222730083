import { checkParam, checkParamNames } from '../common/params.ts';
import type { Convention, MethodDefinition, ParamSpec, ParamValue, ParamValues } from './definition.ts';

/** The parameter that every method has and every sum over channels heeds. */
const EIGEN_SMOOTH: ParamSpec = {
  type: 'boolean',
  default: false,
  description: 'replace the sum over channels by the first principal component of the weighted activations',
};

/** A method's own parameters, after those that every method has. */
export function paramSpecs({ relu, conventions, params }: MethodDefinition): Readonly<Record<string, ParamSpec>> {
  const outermost: ParamSpec = {
    type: 'boolean',
    default: relu,
    // That tool takes the positive part of every map.
    ...(!relu && conventions.includes('pytorch-grad-cam') && { defaults: { 'pytorch-grad-cam': true } }),
    description: 'the outermost ReLU',
  };
  return { relu: outermost, eigenSmooth: EIGEN_SMOOTH, ...params };
}

/**
 * Checks what the user gave against a method's parameters and fills in the convention's defaults.
 * @throws `ERR_OPTION_INVALID` for an unknown name or a value out of range.
 */
export function resolveParams(
  method: MethodDefinition,
  given: Readonly<Record<string, unknown>>,
  convention: Convention,
): ParamValues {
  const specs = paramSpecs(method);
  checkParamNames(method.name, given, specs);
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const value = given[name];
      return [name, value === undefined ? defaultOf(spec, convention) : checkParam(method.name, name, spec, value)];
    }),
  );
}

function defaultOf({ default: standard, defaults }: ParamSpec, convention: Convention): ParamValue | undefined {
  return (convention === 'paper' ? undefined : defaults?.[convention]) ?? standard;
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
