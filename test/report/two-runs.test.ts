import { describe, expect, test } from 'vitest';
import { reportSource } from '../../lib/report/run-source.ts';

describe('two runs', () => {
  const run = (names: readonly string[], name: string) => ({
    run: { name } as never,
    leftOut: 0,
    photos: names.map(name => ({
      name,
      load: async () => ({
        size: { width: 1, height: 1 },
        said: { predictions: [], correct: null, error: null, results: [] },
        payload: { picture: null, maps: [], curves: {} },
      }),
    })),
  });

  test.each([
    ['their paths', ['a/x.jpg', 'b/x.jpg'], ['b/x.jpg', 'a/x.jpg'], ['a/x.jpg 11', 'b/x.jpg 11']],
    [
      'their folders’ names',
      ['/one/a/x.jpg', '/one/b/x.jpg'],
      ['/two/b/x.jpg'],
      ['/one/a/x.jpg 10', '/one/b/x.jpg 11'],
    ],
    [
      'their names',
      ['one/x.jpg', 'one/y.jpg'],
      ['two/y.jpg', 'two/z.jpg'],
      ['one/x.jpg 10', 'one/y.jpg 11', 'two/z.jpg 01'],
    ],
    [
      'nothing that two of a run share',
      ['1/x.jpg', '2/x.jpg'],
      ['3/x.jpg'],
      ['1/x.jpg 10', '2/x.jpg 10', '3/x.jpg 01'],
    ],
  ])('are matched by %s', async (_, first, second, expected) => {
    const found: string[] = [];
    for await (const { photo } of reportSource(run(first, 'A'), run(second, 'B')).photos)
      found.push(`${photo.name} ${photo.runs.map(run => Number(run !== null)).join('')}`);
    expect(found).toEqual(expected);
  });
});
