import { expect, test } from 'vitest';
import type { PixelVariant } from '../../lib/scoring/pixel-variants.ts';
import { M2_MAP, measureFixture, openFixture } from '../helpers/fixture-network.ts';

test('drop, increase, gain, coherency and ADCC mask the input once and explain it once', async () => {
  const explained: unknown[] = [];
  const opened = openFixture({
    explain: async ({ input }) => {
      explained.push(input);
      return M2_MAP;
    },
  });
  const ran: PixelVariant[] = [];
  for (const name of ['average-drop', 'average-increase', 'average-gain', 'drop', 'adcc', 'coherency', 'arcc'])
    await measureFixture(name, { ran: name === 'arcc' ? [] : ran }, opened);
  expect(ran).toHaveLength(5);
  expect(new Set(ran.map(({ from }) => from))).toEqual(new Set([await opened.map.masked()]));
  expect(explained).toEqual([await opened.map.masked()]);
});

test('curves of one map share its order and their baselines; insertion and SRG of one baseline their inputs', async () => {
  const opened = openFixture();
  const ran: PixelVariant[] = [];
  const how = { params: { step: 4, baseline: 'zero' }, ran };
  for (const name of ['deletion', 'insertion', 'lerf-deletion', 'srg']) await measureFixture(name, how, opened);
  expect(new Set(ran.flatMap(({ order }) => order ?? [])).size).toBe(1);
  expect(new Set(ran.flatMap(({ from, to }) => [from, to ?? from])).size).toBe(2);
  const spelled = ran.map(({ from, to, begin, end }) =>
    to ? `${begin} ${end}` : from === opened.subject.input ? 'x' : 'b',
  );
  // x, b, three of each of the two orders.
  expect(new Set(spelled)).toEqual(new Set(['x', 'b', '0 4', '0 8', '0 12', '4 16', '8 16', '12 16']));
});

test('ROAD and its parts impute a removal once', async () => {
  const opened = openFixture();
  const images = async (name: string, params = {}) => {
    const ran: PixelVariant[] = [];
    await measureFixture(name, { ran, params }, opened);
    return ran.map(({ from }) => from);
  };
  const all = new Set(await images('road'));
  expect(all.size).toBe(18);
  for (const name of ['road-morf', 'road-lerf', 'arcc'])
    for (const image of await images(name)) expect(all).toContain(image);
});

test('what is drawn is drawn once for all maps of an image', async () => {
  const opened = openFixture();
  const other = openFixture({ map: M2_MAP.toReversed() });
  const both = [opened, { ...other, subject: opened.subject }];
  for (const [name, convention, params] of [
    ['mu-fidelity', 'paper', {}],
    ['faithfulness-correlation', 'paper', {}],
    ['faithfulness-correlation', 'quantus', { subset: 4 }],
    ['infidelity', 'paper', { perturbation: 'gaussian' }],
    ['infidelity', 'paper', {}],
  ] as const) {
    const ran: PixelVariant[][] = [];
    for (const one of both) {
      const own: PixelVariant[] = [];
      await measureFixture(name, { ran: own, convention, params }, one);
      ran.push(own);
    }
    expect(ran[0]!.length).toBeGreaterThan(3);
    for (const [i, variant] of ran[0]!.entries()) {
      expect(variant.from).toBe(ran[1]![i]!.from);
      expect(variant.order).toBe(ran[1]![i]!.order);
    }
  }
});
