import type { NodeContext } from '../context.ts';
import type { Form, Rule } from '../rule.ts';
import type { Value } from '../value.ts';

/**
 * Rule of an operator that can be written with others: `forward` emits nodes that make the outputs once more, and gradients go back
 * through those.
 * @param inputs positions that gradients flow to; all of them by default
 */
export function decomposed(
  forward: Form['forward'],
  inputs?: readonly number[],
  options: Omit<Form, 'forward'> = {},
): Rule {
  const form: Form = { forward, ...options };
  return {
    ...(inputs && { inputs }),
    form,
    backward: context =>
      context.backThrough(() => withGradients(form, context, resultsOf(form, context)), form.seen?.(context)),
  };
}

/** What a form makes, one for each output. */
export function resultsOf({ forward }: Form, context: NodeContext): readonly (Value | undefined)[] {
  const made = forward(context);
  return Array.isArray(made) ? (made as readonly (Value | undefined)[]) : [made as Value];
}

/** Results with the gradients of the outputs that they are. */
export function withGradients(
  { gradient: gradientOf = (context, position) => context.gradientOf(position) }: Form,
  context: NodeContext,
  results: readonly (Value | undefined)[],
): (readonly [result: Value, gradient: Value])[] {
  return results.flatMap((result, position) => {
    const gradient = gradientOf(context, position);
    return result && gradient ? [[result, gradient] as const] : [];
  });
}
