import { aliasesOf, TECHNIQUES } from './registry.ts';
import type { TechniqueDefinition, TechniqueParam } from './technique.ts';

/** What a technique is, needs and costs; plain data. */
export interface TechniqueInfo {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly paper: string;
  /** `sizes`: the model must take other sizes than one. */
  readonly needs: NonNullable<TechniqueDefinition['needs']>;
  /** M the method once, F a forward pass of the network. */
  readonly cost: string;
  readonly params: Readonly<Record<string, TechniqueParam>>;
}

/** Every technique of this version, in the order of the documentation. */
export function listTechniques(): TechniqueInfo[] {
  return TECHNIQUES.map(technique => {
    const { name, title, paper, needs = {}, cost, params = {} } = technique;
    return { name, aliases: aliasesOf(technique), title, paper, needs, cost, params };
  });
}
