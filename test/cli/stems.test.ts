import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byPath, type NamedInput, settleStems } from '../../lib/cli/inputs/stems.ts';

const input = (path: string): NamedInput => ({
  path,
  below: path.replace(/^[^/]*\//, ''),
  isTensor: path.endsWith('.npy'),
});
const stemsOf = (...paths: string[]) => settleStems(paths.map(input));

describe('settleStems', () => {
  it('leaves out the extension, and keeps folders and the dots inside a name', () => {
    expect(stemsOf('in/cat.v1.jpg', 'in/sub/dog.png', 'in/plain')).toEqual(['cat.v1', 'sub/dog', 'plain']);
  });

  it('keeps the extension of all that would share a stem, whichever comes first', () => {
    expect(stemsOf('in/cat.jpg', 'in/cat.png', 'in/sub/cat.jpg')).toEqual(['cat.jpg', 'cat.png', 'sub/cat']);
    expect(stemsOf('in/cat.png', 'in/cat.jpg')).toEqual(['cat.png', 'cat.jpg']);
  });

  it('numbers what extensions do not keep apart, in the order of the paths', () => {
    expect(stemsOf('z/cat.jpg', 'x/cat.jpg', 'y/cat.jpg')).toEqual(['cat.jpg-3', 'cat.jpg', 'cat.jpg-2']);
    expect(stemsOf('a/cat.jpg', 'b/cat.jpg', 'c/cat.jpg-2.png')).toEqual(['cat.jpg', 'cat.jpg-3', 'cat.jpg-2']);
  });

  it('keeps a picture apart from images of a tensor, and from files of targets', () => {
    expect(stemsOf('in/two.npy', 'in/two.0.png', 'in/two.0-2.png')).toEqual(['two', 'two.0.png', 'two.0-2']);
    expect(stemsOf('in/two.1.png', 'in/two.npy', 'in/two.png')).toEqual(['two.1.png', 'two.npy', 'two.png']);
    expect(stemsOf('in/cat.jpg', 'in/cat.t281.jpg')).toEqual(['cat', 'cat.t281.jpg']);
    expect(stemsOf('in/two.npy', 'in/two.3.t281-2.jpg')).toEqual(['two', 'two.3.t281-2.jpg']);
    // No image of a picture has a number.
    expect(stemsOf('in/cat.jpg', 'in/cat.1.jpg')).toEqual(['cat', 'cat.1']);
  });

  it('does not mind methods and kinds in a name: they come last', () => {
    expect(stemsOf('in/cat.png', 'in/cat.grad-cam.png')).toEqual(['cat', 'cat.grad-cam']);
  });

  const paths = fc.array(fc.stringMatching(/^[ab]\/(c|c\.0|c\.t1|c\.0\.t1|d)(-2)?\.(npy|png|t1|0)$/), {
    maxLength: 12,
  });

  it('gives everybody the same names in whatever order the inputs come', () => {
    fc.assert(
      fc.property(paths, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (given, random) => {
        const places = new Map(given.map(path => [path, random.next().value]));
        const shuffled = [...given].sort((a, b) => places.get(a)! - places.get(b)!);
        const pairs = (list: string[]) => stemsOf(...list).map((stem, i) => ({ path: list[i]!, stem }));
        const sorted = (list: string[]) => pairs(list).sort((a, b) => byPath(a, b) || (a.stem < b.stem ? -1 : 1));
        expect(sorted(shuffled)).toEqual(sorted(given));
      }),
    );
  });

  it('lets no two inputs have a file in common', () => {
    fc.assert(
      fc.property(paths, given => {
        const files = given.map(input).map(({ isTensor }, i) => filesOf(stemsOf(...given)[i]!, isTensor));
        expect(new Set(files.flat()).size).toBe(files.flat().length);
      }),
    );
  });
});

function filesOf(stem: string, isTensor: boolean): string[] {
  const images = [stem, ...(isTensor ? [`${stem}.0`] : [])];
  return images.flatMap(image => [`${image}.grad-cam`, `${image}.t1.grad-cam`, `${image}.t1-2.grad-cam`]);
}
