import { readFileSync } from 'node:fs';
import { freeSize } from './free-size.ts';
import { bundledModel } from './golden-methods.ts';

/** The bundled model with its height and width made dynamic: some stored inputs are not square. */
export const anySizeModel = (): Uint8Array => freeSize(readFileSync(bundledModel));
