import { aliasesOf, TECHNIQUES } from './registry.ts';
import type { TechniqueNeeds, TechniqueParam } from './technique.ts';

/** What a technique is, needs and costs; plain data. */
export interface TechniqueInfo {
  /** Canonical name. */
  readonly name: string;
  /** Other spellings that are understood. */
  readonly aliases: readonly string[];
  /** As its source calls it. */
  readonly title: string;
  /** Where it comes from. */
  readonly paper: string;
  /** `sizes`: the model must take other sizes than one. */
  readonly needs: TechniqueNeeds;
  /** M the method once, F a forward pass of the network. */
  readonly cost: string;
  /** By name. */
  readonly params: Readonly<Record<string, TechniqueParam>>;
}

/** Every technique of this version, in the order of the documentation. */
export function listTechniques(): TechniqueInfo[] {
  return TECHNIQUES.map(technique => {
    const { name, title, paper, needs = {}, cost, params = {} } = technique;
    return { name, aliases: aliasesOf(technique), title, paper, needs, cost, params };
  });
}
