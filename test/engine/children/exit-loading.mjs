// process.exit while sessions are being created: the runtime's static objects must outlive that.
import { addon, modelBytes, sleep } from './engine.mjs';

const { library, config } = JSON.parse(process.env.ENGINE_TEST);
await addon.runtimeInfo(library);
const model = modelBytes('bundled');
for (let i = 0; i < 4; i++) addon.createSession(library, model, config).catch(() => {});
await sleep(Number(process.argv[2]));
process.exit(7);
