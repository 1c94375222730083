import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { LoadOptions } from '../../lib/options.ts';
import { fakeModel, runHere, temporaryFolder } from './harness.ts';

/** What reaches `load` from a command line, whose files lie in the folder given. */
async function loadOf(command: 'explain' | 'layers', folder: string, argv: readonly string[]) {
  let loaded: LoadOptions | undefined;
  const load = async (_: string, options: LoadOptions) => {
    loaded = options;
    return fakeModel();
  };
  const own = command === 'explain' ? [join(folder, 'cat.png'), '-o', join(folder, 'out')] : [];
  writeFileSync(join(folder, 'cat.png'), 'the fake model does not decode it');
  const outcome = await runHere([command, 'model.onnx', ...own, ...argv], { library: { load } });
  return { ...outcome, loaded };
}

describe.each(['explain', 'layers'] as const)('%s', command => {
  it('takes names of inputs and outputs, tensors for others, and a format of detections', async () => {
    const folder = temporaryFolder();
    const mask = join(folder, 'mask=1.npy');
    copyFileSync(fileURLToPath(new URL('../golden/npy/float64.npy', import.meta.url)), mask);
    const argv = [
      '--input',
      'x',
      '--output',
      'y',
      '--inputs',
      `mask=${mask}`,
      '--detector',
      'yolov8',
      '--size',
      '32x16',
    ];
    const { code, loaded } = await loadOf(command, folder, argv);
    expect(code).toBe(0);
    expect(loaded).toMatchObject({ input: 'x', output: 'y', detector: 'yolov8', preprocess: { size: [32, 16] } });
    expect(loaded!.inputs!.mask!.type).toBe('float64');
    expect((await loadOf(command, folder, ['--detector', 'none'])).loaded).toMatchObject({ detector: false });
  });

  it.each([
    [['--detector', 'yolo'], /ERR_USAGE: .*none or one of yolov8/],
    [['--inputs', 'mask'], /ERR_USAGE: .*NAME=FILE/],
    [['--inputs', 'mask=nowhere.npy'], /ERR_OPTION_INVALID: --inputs mask: .*does not exist/],
  ])('refuses %j with exit 2', async (argv, message) => {
    const { code, stderr } = await loadOf(command, temporaryFolder(), argv);
    expect({ code, refused: message.test(stderr) }).toEqual({ code: 2, refused: true });
  });
});
