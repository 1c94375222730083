import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

import { BUNDLED } from './paths.js';

export * from './paths.js';
export { pictureTensor } from './picture-tensor.js';

/** A model's bytes: the bundled one, or a graph of test/golden/graphs with its seeded weights. */
export async function modelBytes(name) {
  if (name === 'efficientnet-lite0') return new Uint8Array(readFileSync(BUNDLED));
  const helper = fileURLToPath(new URL('../../test/helpers/golden-graphs.ts', import.meta.url));
  const { module } = await runnerImport(helper);
  return anySize(module.loadGoldenGraph(name).model);
}

/** Golden graphs are small; their convolutions take any size, so 224 × 224 is fed here. */
async function anySize(bytes) {
  const helper = fileURLToPath(new URL('../../test/helpers/free-size.ts', import.meta.url));
  const { module } = await runnerImport(helper);
  return module.freeSize(bytes);
}
