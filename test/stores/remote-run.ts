import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as library from '../../lib/index.ts';
import { formatNpy } from '../../lib/io/npy.ts';
import { makePicture, type Outcome, runHere, workInTemporaryFolder } from '../cli/harness.ts';
import { noise } from '../helpers/model-builder.ts';
import { residualModel } from '../helpers/small-models.ts';

const model = residualModel();

/** What servers are given to hold. */
export interface RemoteContents {
  /** The bytes of a PNG. */
  readonly picture: Buffer;
  /** Those of a .npy file with two tensors. */
  readonly array: Buffer;
}

/** A temporary folder to work in, with a model and a picture; and what servers are to hold. */
export async function prepareRemoteRun(): Promise<RemoteContents> {
  workInTemporaryFolder();
  writeFileSync('model.onnx', model);
  await makePicture('local.png', 24, 20);
  const [head, values] = formatNpy({ data: noise([1536], 3).data, dims: [2, 3, 16, 16] });
  return { picture: readFileSync('local.png'), array: Buffer.concat([head, values]) };
}

/** `onnx-cam explain` of that model. */
export const explain = (...argv: string[]): Promise<Outcome> =>
  runHere(['explain', 'model.onnx', ...argv], { library });

export const mapOf = (name: string): Buffer => readFileSync(join('out', `${name}.grad-cam.map.npy`));
