import { describe, expect, it } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { image, network } from '../helpers/choice-networks.ts';
import { expectError } from '../helpers/expect-error.ts';
import { one } from '../helpers/explain-models.ts';
import { int64, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const SIX = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'];
const classifier = (metadata: Record<string, string>) => network([], { outputs: [{ name: 'z' }], metadata });

describe('class names in the metadata', () => {
  it.each([
    ['names', SIX.join(',')],
    ['labels', SIX.join('\n')],
    ['labels', `${SIX.join('\r\n')}\r\n`],
    ['classes', JSON.stringify(SIX)],
    ['classes', `['${SIX.join("', '")}']`],
    ['class_names', SIX.join('; ')],
    ['id2label', JSON.stringify(Object.fromEntries(SIX.entries()))],
    ['class_to_idx', JSON.stringify(Object.fromEntries(SIX.map((name, k) => [name, k])))],
  ])('%s: %j', async (key, value) => {
    const cam = await open(classifier({ [key]: value }));
    const { target, warnings } = one(await cam.explain(image, { target: 'cat' }));
    expect(target).toMatchObject({ index: 2, label: 'cat' });
    expect(warnings).toEqual([`labels from the model's metadata ("${key}")`]);
  });

  it('are not used where their number is another, and the result says so', async () => {
    const cam = await open(classifier({ labels: 'yes,no' }));
    const { target, warnings } = one(await cam.explain(image));
    expect(target.label).toBeNull();
    expect(warnings.join()).toMatch(/metadata \("labels"\) has 2 names, the output "z" 6 classes: they are not used/);
    await expectError(() => cam.explain(image, { target: 'yes' }), 'ERR_TARGET_UNKNOWN', 'no labels');
  });

  it('are behind what the user says, and other texts are no names', async () => {
    const labels = SIX.toReversed();
    const own = await open(classifier({ labels: SIX.join() }), { labels });
    expect(one(await own.explain(image, { target: 'ant' })).target.index).toBe(5);
    const others = [
      ['classes', '6'],
      ['labels', 'see the paper'],
      ['description', 'a,b,c,d,e,f'],
    ] as const;
    for (const [key, text] of others) {
      const metadata = { [key]: text };
      const { target, warnings } = one(await (await open(classifier(metadata))).explain(image));
      expect([target.label, warnings]).toEqual([null, []]);
    }
  });
});

describe('characters of a recogniser of text', () => {
  const steps = (character: string) =>
    network(
      [
        makeNode('ReduceMean', ['a'], ['columns'], { axes: [2], keepdims: 0 }),
        makeNode('Transpose', ['columns'], ['rows'], { perm: [0, 2, 1] }),
        makeNode('MatMul', ['rows', 'wk'], ['y']),
      ],
      { outputs: [{ name: 'y' }], weights: { wk: noise([8, 6], 5), front: int64(0) }, metadata: { character } },
    );
  const labelOf = async (model: Uint8Array, classIndex: number) => {
    const cam = await open(model);
    const target = { kind: 'segmentation', classIndex, region: 'predicted' } as never;
    const { target: found, warnings } = one(await cam.explain(image, { target }));
    return [found.label, warnings.join()];
  };

  it.each([
    ['a\nb\nc\nd\ne\nf', 'a', 'f'],
    ['a\nb\nc\nd\ne', 'blank', 'e'],
    ['a\nb\nc\nd', 'blank', ' '],
    ['abcde', 'blank', 'e'],
  ])('%j, the blank and the space that they leave out', async (character, first, last) => {
    const model = steps(character);
    expect(await labelOf(model, 0)).toEqual([first, expect.stringMatching(/labels from .*"character"/)]);
    expect((await labelOf(model, 5))[0]).toBe(last);
  });

  it('of another alphabet are not used', async () => {
    expect(await labelOf(steps('a\nb\nc'), 1)).toEqual([null, expect.stringMatching(/3 names.* 6 classes/)]);
  });
});
