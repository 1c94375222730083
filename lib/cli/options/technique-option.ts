import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TechniqueSpec } from '../../techniques/choose.ts';
import { parseTechniqueParam } from '../../techniques/params.ts';
import { findTechnique } from '../../techniques/registry.ts';
import { names, type OwnedParam, ownedParam } from './option-values.ts';

/** What sharpens the maps: of the commands that explain. */
export interface TechniqueFlags {
  readonly technique?: readonly string[];
  readonly techniqueParam: readonly OwnedParam[];
}

/** Declares these options. */
export function addTechniqueOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--technique <names>',
        'what sharpens the maps; several with commas, the first innermost (see `onnx-cam techniques`)',
      ).argParser(names),
    )
    .addOption(
      new Option(
        '--technique-param <technique.name=value>',
        "a technique's parameter, such as sess.scales=6, repeated for several (see `onnx-cam techniques --json`)",
      )
        .argParser(ownedParam('TECHNIQUE', 'sess.scales=6'))
        .default([], 'none'),
    );
}

/**
 * The techniques with their parameters as values; undefined where none is named.
 * @throws `ERR_OPTION_INVALID` for an unknown technique; for parameters of one that is not among them a usage error
 */
export function techniqueOption({ technique, techniqueParam }: TechniqueFlags): readonly TechniqueSpec[] | undefined {
  const wanted = (technique ?? []).map(findTechnique);
  for (const { owner } of techniqueParam)
    if (!wanted.includes(findTechnique(owner)))
      throw new InvalidArgumentError(`--technique-param ${owner}.…: ${owner} is none of those that --technique names.`);
  if (wanted.length === 0) return undefined;
  return wanted.map(definition => {
    const own = techniqueParam.filter(({ owner }) => findTechnique(owner) === definition);
    const params = Object.fromEntries(
      own.map(({ name, value }) => [name, parseTechniqueParam(definition, name, value)]),
    );
    return { name: definition.name, params };
  });
}
