import type { SupportOptions } from '../../explain/unsupported.ts';
import type { MethodDefinition } from '../../methods/definition.ts';
import { findMethod, METHODS } from '../../methods/registry.ts';
import type { Target } from '../../targets/target.ts';
import type { LoadedModel } from '../library.ts';

/** A method that `all` stands for but that is not run, and why. */
export interface LeftOut {
  readonly method: string;
  readonly reason: string;
}

/**
 * Canonical names of what `--method` gave, each once; `all` is every method of one forward and backward pass.
 * @throws `ERR_METHOD_UNKNOWN`
 */
export function namedMethods(given: readonly string[]): string[] {
  const names = given.flatMap(name =>
    isAll(name) ? METHODS.filter(isOnePass).map(method => method.name) : findMethod(name).name,
  );
  return [...new Set(names)];
}

/**
 * Takes out what `all` brought in and this model cannot do.
 * @throws the error of a method that was named outright and cannot be run; of the first where `all` leaves none.
 */
export function fitToModel(
  given: readonly string[],
  model: Pick<LoadedModel, 'unsupported'>,
  { target, ...options }: Omit<SupportOptions, 'target'> & { readonly target?: Target | readonly Target[] },
): { readonly methods: readonly string[]; readonly leftOut: readonly LeftOut[] } {
  const wanted = namedMethods(given);
  const targets = [target].flat();
  const unsupported = new Map(targets.flatMap(one => [...model.unsupported(wanted, { ...options, target: one })]));
  const methods = wanted.filter(method => !unsupported.has(method));
  const named = namedMethods(given.filter(name => !isAll(name)));
  const [failing] = [...named, ...(methods.length === 0 ? wanted : [])].filter(method => unsupported.has(method));
  if (failing !== undefined) throw unsupported.get(failing)!;
  if (!given.some(isAll)) return { methods, leftOut: [] };
  const expensive = METHODS.filter(({ name }) => !wanted.includes(name)).map(({ name, cost }) => ({
    method: name,
    reason: `it needs more than one forward and backward pass (${cost}); ask for it by name`,
  }));
  return {
    methods,
    leftOut: [...[...unsupported].map(([method, error]) => ({ method, reason: error.message })), ...expensive],
  };
}

/** Whether a name stands for every method of one pass. */
export function isAll(name: string): boolean {
  return name.toLowerCase() === 'all';
}

/** Registry costs are written in F (forward) and B (backward). */
function isOnePass({ cost }: MethodDefinition): boolean {
  return /^1F( \+ 1B)?$/.test(cost);
}
