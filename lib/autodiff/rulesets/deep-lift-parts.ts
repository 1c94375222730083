import type { FactTable } from '../../model/graph/facts.ts';
import type { NodeContext } from '../context.ts';
import type { ReferenceRun } from '../reference.ts';
import type { Form, Rule, RuleSet } from '../rule.ts';
import { resultsOf, withGradients } from '../rules/decomposed.ts';
import type { Value } from '../value.ts';

/**
 * DeepLIFT of an operator through simpler ones: they are emitted for both runs, and the rules of those go back through the image's with
 * the others as the reference.
 * @param rulesFor the table for a reference run
 */
export function throughParts(
  form: Form,
  reference: ReferenceRun,
  rulesFor: (reference: ReferenceRun) => RuleSet,
  inputs?: readonly number[],
): Rule {
  return {
    ...(inputs && { inputs }),
    backward: context => {
      const twins = new Map<string, string>();
      context.backThrough(
        () => {
          const other = emitted(form, inReference(context, reference));
          const own = emitted(form, context);
          if (other.nodes.map(({ op }) => op).join() !== own.nodes.map(({ op }) => op).join())
            context.fail('DeepLIFT has no rule for it here');
          for (const [at, { outputs }] of own.nodes.entries())
            for (const [place, name] of outputs.entries()) twins.set(name, other.nodes[at]!.outputs[place]!);
          return withGradients(form, context, own.results);
        },
        form.seen?.(context),
        () => rulesFor(joined(reference, twins, context.emit.facts)),
      );
    },
  };
}

function emitted(form: Form, context: NodeContext) {
  const { graph } = context.emit;
  const start = graph.nodes.length;
  const results = resultsOf(form, context);
  return { results, nodes: graph.nodes.slice(start) };
}

/** The reference run with what was emitted for it. */
function joined(reference: ReferenceRun, twins: ReadonlyMap<string, string>, facts: FactTable): ReferenceRun {
  const value = (tensor: string): Value | undefined => {
    const twin = twins.get(tensor);
    return twin === undefined ? reference.value(tensor) : { name: twin, ...facts.get(twin)! };
  };
  return { value, facts };
}

/** The node as it is in the reference run; a batch of one is taken for the image's. */
function inReference(context: NodeContext, reference: ReferenceRun): NodeContext {
  const values = new Map<string, Value>();
  for (const name of [...context.node.inputs, ...context.node.outputs]) {
    const other = name ? reference.value(name) : undefined;
    if (other) values.set(name, { ...other, dims: context.value(name).dims });
  }
  const gradients = context.node.outputs.map((_, position) => context.gradientOf(position));
  return context.with(gradients, () => undefined, { values });
}
