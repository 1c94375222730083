import type { NodeContext } from '../context.ts';
import type { Rule } from '../rule.ts';
import type { Value } from '../value.ts';

/**
 * Rule of an operator that can be written with others: `forward` emits nodes that make the outputs once more (undefined
 * for one that nothing depends on), and gradients go back through those.
 * @param inputs positions that gradients flow to; all of them by default
 */
export function decomposed(
  forward: (context: NodeContext) => Value | readonly (Value | undefined)[],
  inputs?: readonly number[],
): Rule {
  return {
    ...(inputs && { inputs }),
    backward: context =>
      context.backThrough(() => {
        const made = forward(context);
        const outputs = Array.isArray(made) ? (made as readonly (Value | undefined)[]) : [made as Value];
        return outputs.flatMap((output, position) => {
          const gradient = context.gradientOf(position);
          return output && gradient ? [[output, gradient] as const] : [];
        });
      }),
  };
}
