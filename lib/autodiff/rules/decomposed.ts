import type { NodeContext } from '../context.ts';
import type { Rule } from '../rule.ts';
import type { Value } from '../value.ts';

/**
 * Rule of an operator that can be written with others: `forward` emits nodes that make the outputs once more (undefined
 * for one that nothing depends on), and gradients go back through those.
 * @param inputs positions that gradients flow to; all of them by default
 * @param seen inputs as `forward` sees them
 * @param gradient the gradient of an output, in the form in which `forward` makes it
 */
export function decomposed(
  forward: (context: NodeContext) => Value | readonly (Value | undefined)[],
  inputs?: readonly number[],
  {
    seen,
    gradient: gradientOf = (context, position) => context.gradientOf(position),
  }: {
    readonly seen?: (context: NodeContext) => (input: Value) => Value;
    readonly gradient?: (context: NodeContext, position: number) => Value | undefined;
  } = {},
): Rule {
  return {
    ...(inputs && { inputs }),
    backward: context =>
      context.backThrough(() => {
        const made = forward(context);
        const outputs = Array.isArray(made) ? (made as readonly (Value | undefined)[]) : [made as Value];
        return outputs.flatMap((output, position) => {
          const gradient = gradientOf(context, position);
          return output && gradient ? [[output, gradient] as const] : [];
        });
      }, seen?.(context)),
  };
}
