// Only workers load the addon. Each ends in its own way while the engine is busy: terminated, by process.exit, or
// normally with an unused session left.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const ROUNDS = 3;

if (isMainThread) {
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(['terminate', 'exit', 'normal'].map(way => live(way)));
  }
  console.log('survived');
} else {
  const { createSession, runAdd, runSlow, sleep } = await import('./engine.mjs');
  if (workerData === 'normal') {
    const session = await createSession('add');
    parentPort.postMessage([...(await runAdd(session))].join());
  } else {
    const session = await createSession('slow');
    for (let i = 0; i < 4; i++) runSlow(session).catch(() => {});
    await sleep(20);
    parentPort.postMessage('running');
    if (workerData === 'exit') process.exit(0);
  }
}

async function live(way) {
  const worker = new Worker(new URL(import.meta.url), { workerData: way });
  const exited = new Promise((resolve, reject) => {
    worker.on('exit', resolve);
    worker.on('error', reject);
  });
  const [message] = await Promise.race([
    new Promise(resolve => worker.once('message', value => resolve([value]))),
    exited.then(() => ['no message']),
  ]);
  console.log(way, message);
  if (way === 'terminate') await worker.terminate();
  await exited;
}
