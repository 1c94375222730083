import type { Family, MethodNeeds, ParamSpec } from './definition.ts';
import { paramSpecs } from './params.ts';
import { aliasesOf, METHODS } from './registry.ts';

/** What a method is, needs and costs; plain data. */
export interface MethodInfo {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly family: Family;
  readonly paper: string;
  readonly needs: MethodNeeds;
  /** F forward, B backward pass of the network, T run of the tail behind the target layer. */
  readonly cost: string;
  readonly params: Readonly<Record<string, ParamSpec>>;
}

/** Every method of this version, in the order of the documentation. */
export function listMethods(): MethodInfo[] {
  return METHODS.map(method => ({
    name: method.name,
    aliases: aliasesOf(method),
    title: method.title,
    family: method.family,
    paper: method.paper,
    needs: method.needs,
    cost: method.cost,
    params: paramSpecs(method),
  }));
}
