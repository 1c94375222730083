// The addon without TypeScript, for child processes and workers. The parent's environment says where things are.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { library, config, models } = JSON.parse(process.env.ENGINE_TEST);

export const addon = require('../../../build/Release/onnx_cam.node');

/** A session on one of the parent's models: 'add' or 'slow'. */
export function createSession(model) {
  return addon.createSession(library, readFileSync(models[model]), config);
}

/** @returns the output `y` for the input `x` */
export async function run(session, data, dims) {
  const [y] = await addon.run(session.handle, [{ type: 1, data, dims }], ['y'], [null], false);
  return y.data;
}

export const runAdd = session => run(session, Float32Array.of(10, 20, 30, 40), [4]);
export const runSlow = session => run(session, new Float32Array(768 * 384).fill(0.5), [768, 384]);

export const modelBytes = model => readFileSync(models[model]);
export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
