import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Session } from '../../lib/engine/session.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel } from '../helpers/model-builder.ts';

/** Why this machine runs nothing on CUDA; undefined where it does. Printed once, so that a skip is never silent. */
export async function whyNoCuda(): Promise<string | undefined> {
  const model = buildModel({
    nodes: [makeNode('Relu', ['x'], ['y'])],
    inputs: [{ name: 'x', dims: ['N', 3] }],
    outputs: [{ name: 'y', dims: ['N', 3] }],
  });
  try {
    const session = await Session.create(model, { executionProviders: ['cuda'] });
    const { onDevice } = session;
    await session.dispose();
    if (onDevice) return undefined;
    return announce('the addon was built without kernels for GPUs');
  } catch (error) {
    return announce((error as Error).message);
  }
}

function announce(reason: string): string {
  console.warn(`test/cuda is skipped, nothing in it was run: ${reason}`);
  return reason;
}

/** MiB in use on the first device, by all processes. */
export async function deviceMemory(): Promise<number> {
  const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits'];
  const { stdout } = await promisify(execFile)('nvidia-smi', query);
  return Number(stdout.split('\n')[0]);
}
