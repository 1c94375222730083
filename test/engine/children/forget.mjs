// Sessions and outputs that JavaScript forgets are freed by the garbage collector, off the event loop.
import { createSession, runAdd, sleep } from './engine.mjs';

for (let round = 0; round < 20; round++) {
  const session = await createSession('add');
  for (let i = 0; i < 20; i++) await runAdd(session);
  globalThis.gc();
  await sleep(1);
}
const last = await createSession('add');
console.log([...(await runAdd(last))].join());
