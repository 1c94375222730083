import { readFileSync } from 'node:fs';
import { parseModel } from '../../lib/model/read.ts';
import { makeValueInfo } from '../../lib/model/value-info.ts';
import { toFileBytes } from '../../lib/model/write.ts';
import { bundledModel } from './golden-methods.ts';

/** The bundled model with its height and width made dynamic: some stored inputs are not square. */
export function anySizeModel(): Uint8Array {
  const graph = parseModel(readFileSync(bundledModel));
  graph.inputs[0] = makeValueInfo('input', 'float32', ['batch', 3, 'height', 'width']);
  return toFileBytes(graph);
}
