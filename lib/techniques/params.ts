import { checkParam, checkParamNames, refuseParam } from '../common/params.ts';
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

/** A parameter from the command line's text: a list of numbers has commas. What is no number stays as it was written. */
export function parseTechniqueParam({ params = {} }: TechniqueDefinition, name: string, text: string): unknown {
  const type = params[name]?.type;
  const isNumber = (part: string) => part.trim() !== '' && Number.isFinite(Number(part));
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  if (type === 'numbers') return text.split(',').every(isNumber) ? text.split(',').map(Number) : text;
  return type !== 'string' && isNumber(text) ? Number(text) : text;
}

function checkValue(
  technique: string,
  name: string,
  spec: TechniqueParam,
  value: unknown,
): ParamValue | readonly number[] {
  if (spec.type !== 'numbers') return checkParam(technique, name, spec, value);
  const list = typeof value === 'number' ? [value] : value;
  if (!Array.isArray(list) || list.length === 0) return refuseParam(technique, name, value, 'a list of numbers');
  const { min, max, whole } = spec;
  const one = { type: whole ? 'integer' : 'number', min, max };
  return list.map(number => checkParam(technique, name, one, number, value) as number);
}
