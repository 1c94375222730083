import { OnnxCamError } from '../common/errors.ts';
import { ownFusion } from './conventions/index.ts';
import type { Convention, Fusion, MethodDefinition, ParamValues } from './definition.ts';
import { paramSpecs, resolveParams } from './params.ts';
import { findMethod } from './registry.ts';

/** The options that say which methods, and how. */
export interface MethodOptions {
  /** A method's name (default 'grad-cam'). */
  method?: string | undefined;
  /** Several methods from one run: the result is an array in this order. */
  methods?: readonly string[] | undefined;
  /** Parameters of the method(s); with several methods each takes those that it has. */
  params?: Readonly<Record<string, unknown>> | undefined;
  /** Whose formula and post-processing (default 'paper'). */
  convention?: Convention | undefined;
  /** How maps of several layers become one (default: as the convention has it). Methods that join layers themselves do so. */
  fusion?: Fusion | undefined;
}

/** A method with everything about it decided: parameters, convention, and what there is to warn of. */
export interface ChosenMethod {
  readonly definition: MethodDefinition;
  readonly params: ParamValues;
  readonly convention: Convention;
  /** Of methods that are made of one layer: how maps of several become one. Null: the method joins layers itself. */
  readonly fusion: Fusion | null;
  readonly warnings: readonly string[];
}

/**
 * The methods of one `explain` call.
 * @throws `ERR_METHOD_UNKNOWN`, and `ERR_OPTION_INVALID` for a parameter that none of them has.
 */
export function chooseMethods(options: MethodOptions): ChosenMethod[] {
  const definitions = (options.methods ?? [options.method ?? 'grad-cam']).map(findMethod);
  const given = options.params ?? {};
  const several = options.methods !== undefined;
  if (several)
    for (const name of Object.keys(given))
      if (!definitions.some(definition => name in paramSpecs(definition)))
        throw new OnnxCamError('ERR_OPTION_INVALID', `none of the methods has a parameter '${name}'`);
  return definitions.map(definition => {
    const specs = paramSpecs(definition);
    const own = several ? Object.fromEntries(Object.entries(given).filter(([name]) => name in specs)) : given;
    const { convention, warnings } = chooseConvention(definition, options.convention);
    const fusion = chooseFusion(definition, convention, options.fusion);
    return {
      definition,
      params: resolveParams(definition, own, convention),
      convention,
      fusion: fusion.fusion,
      warnings: [...warnings, ...fusion.warnings],
    };
  });
}

/** A method that a tool doesn't have follows its paper, and says so. */
export function chooseConvention(
  definition: MethodDefinition,
  wanted: Convention = 'paper',
): Pick<ChosenMethod, 'convention' | 'warnings'> {
  if (wanted === 'paper' || definition.conventions.includes(wanted)) return { convention: wanted, warnings: [] };
  return {
    convention: 'paper',
    warnings: [`${wanted} has no ${definition.title}: the paper's convention was used`],
  };
}

function chooseFusion(
  definition: MethodDefinition,
  convention: Convention,
  wanted: Fusion | undefined,
): Pick<ChosenMethod, 'fusion' | 'warnings'> {
  const { name, scope } = definition;
  if (scope === 'layer') return { fusion: wanted ?? ownFusion(convention, definition.fusion), warnings: [] };
  if (wanted === undefined) return { fusion: null, warnings: [] };
  const why = scope === 'layers' ? 'joins layers in its own way' : 'is made of the whole network, not of layers';
  return { fusion: null, warnings: [`${name} ${why}: \`fusion\` was left out`] };
}
