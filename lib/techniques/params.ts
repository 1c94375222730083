import { checkNumbers, checkParam, checkParamNames, parseParamText } from '../common/params.ts';
import type { ParamValue } from '../methods/definition.ts';
import type { TechniqueDefinition, TechniqueParam, TechniqueParams } from './technique.ts';

/**
 * Checks what the user gave against a technique's parameters and fills in the defaults.
 * @throws `ERR_OPTION_INVALID` for an unknown name or a value out of range
 */
export function resolveTechniqueParams(
  { name: technique, params: specs = {} }: TechniqueDefinition,
  given: Readonly<Record<string, unknown>>,
): TechniqueParams {
  checkParamNames(technique, given, specs);
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const value = given[name];
      return [name, value === undefined ? spec.default : checkValue(technique, name, spec, value)];
    }),
  );
}

/** A parameter from the command line's text, by its declared type. */
export function parseTechniqueParam({ params = {} }: TechniqueDefinition, name: string, text: string): unknown {
  return parseParamText(params[name]?.type, text);
}

function checkValue(
  technique: string,
  name: string,
  spec: TechniqueParam,
  value: unknown,
): ParamValue | readonly number[] {
  if (spec.type !== 'numbers') return checkParam(technique, name, spec, value);
  const { min, max, whole } = spec;
  return checkNumbers(technique, name, { min, max, type: whole ? 'integer' : 'number' }, value);
}
