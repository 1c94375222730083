import type { Rule } from '../rule.ts';

/**
 * The gradient of an operand is the same product with operand and output exchanged. An index of the operand that appears
 * nowhere else was summed by itself: its gradient is constant along it, size 1.
 */
export const einsum: Rule = {
  backward: context => {
    const { emit, node } = context;
    const equation = node.attributes.string('equation', '').replace(/\s/g, '');
    const [left, output] = equation.split('->');
    if (output === undefined || equation.includes('...'))
      context.fail('ellipsis and implicit output are not supported');
    const operands = left!.split(',');
    for (const letters of [...operands, output!])
      if (new Set(letters).size !== letters.length) context.fail(`a repeated index in "${equation}"`);
    for (const [position, letters] of operands.entries()) {
      if (!context.wants(position)) continue;
      const others = operands.map((item, index) => (index === position ? output! : item));
      const known = new Set(others.join(''));
      const kept = [...letters].filter(letter => known.has(letter)).join('');
      const sources = operands.map((_, index) => (index === position ? context.fullGradient : context.input(index)));
      const x = context.input(position);
      const dims = [...kept].map(letter => x.dims[letters.indexOf(letter)]!);
      const product = emit.node(
        'Einsum',
        sources,
        { type: x.type, dims },
        { equation: `${others.join(',')}->${kept}` },
      );
      const lazy = [...letters].map((letter, axis) => (known.has(letter) ? x.dims[axis]! : 1));
      context.add(position, emit.reshape(product, lazy));
    }
  },
};
