/** Writes a model as `precision: 'fp16'` converts it: `npm run build`, then `node bench/cuda/half_model.js FROM TO`. */
import { writeFile } from 'node:fs/promises';
import { Session } from '../../build/modules/engine/session.js';
import { loadModel } from '../../build/modules/model/load-model.js';
import { writeModel } from '../../build/modules/model/file/write-model.js';

const [from, to] = process.argv.slice(2);
const model = await loadModel(from, { createSession: (bytes, options) => Session.create(bytes, options), half: true });
await writeFile(to, writeModel(model.graph));
