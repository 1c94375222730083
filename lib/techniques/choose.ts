import { invalid, isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import { resolveTechniqueParams } from './params.ts';
import { findTechnique } from './registry.ts';
import type { TechniqueDefinition, TechniqueParams } from './technique.ts';

/** A technique's name, or with parameters of its own. */
export type TechniqueSpec =
  | string
  | { readonly name: string; readonly params?: Readonly<Record<string, unknown>> | undefined };

/** The option `technique`: one, or several, of which the first is the innermost. */
export type TechniqueOption = TechniqueSpec | readonly TechniqueSpec[];

export interface ChosenTechnique {
  readonly definition: TechniqueDefinition;
  readonly params: TechniqueParams;
}

/**
 * The techniques of a call, the innermost first.
 * @throws `ERR_OPTION_INVALID` for an unknown name or parameter
 */
export function chooseTechniques(option: TechniqueOption | undefined): ChosenTechnique[] {
  if (option === undefined) return [];
  return (Array.isArray(option) ? option : [option]).map((spec: TechniqueSpec) => {
    const { name, params = {} } = typeof spec === 'string' ? { name: spec } : spec;
    const definition = findTechnique(name);
    return { definition, params: resolveTechniqueParams(definition, params) };
  });
}

/** @throws `ERR_OPTION_INVALID` for what is neither a name nor { name, params }, nor a list of these */
export function checkTechnique(option: unknown): void {
  if (option === undefined) return;
  for (const spec of Array.isArray(option) ? option : [option]) {
    if (typeof spec === 'string') continue;
    const named = isRecord(spec) && typeof spec.name === 'string';
    const others = named ? Object.keys(spec).filter(key => key !== 'name' && key !== 'params') : [];
    if (!named || others.length > 0 || !(spec.params === undefined || isRecord(spec.params)))
      throw invalid(`\`technique\` is a name, { name, params }, or an array of these, not ${shown(spec)}`);
  }
}
