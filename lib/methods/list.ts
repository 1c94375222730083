import type { Family, MethodNeeds, ParamSpec } from './definition.ts';
import { paramSpecs } from './params.ts';
import { aliasesOf, METHODS } from './registry.ts';

/** What a method is, needs and costs; plain data. */
export interface MethodInfo {
  /** Canonical name. */
  readonly name: string;
  /** Other spellings that are understood; letters of either case are. */
  readonly aliases: readonly string[];
  /** As the paper calls it. */
  readonly title: string;
  /** What it is made of. */
  readonly family: Family;
  /** Where the formula comes from. */
  readonly paper: string;
  /** What it needs from the network. */
  readonly needs: MethodNeeds;
  /** F forward, B backward pass of the network, T run of the tail behind the target layer. */
  readonly cost: string;
  /** By name; all methods have `relu` and `eigenSmooth`. */
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
