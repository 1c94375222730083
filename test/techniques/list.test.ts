import { expect, it } from 'vitest';
import { listTechniques } from '../../lib/techniques/list.ts';

it.each(listTechniques().map(technique => [technique.name, technique] as const))(
  '%s names each alias once, and not itself',
  (name, { aliases }) => {
    expect(aliases).toEqual([...new Set(aliases)].filter(alias => alias !== name));
  },
);
