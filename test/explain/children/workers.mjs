// Three workers explain at the same time and must agree with the main thread; a fourth is ended in the middle of it.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { load } from '../../../dist/index.js';
import { image } from './image.mjs';

if (isMainThread) {
  const model = process.argv[2];
  const workers = Array.from({ length: 3 }, () => start(model, 'once'));
  const maps = await Promise.all(workers.map(worker => new Promise(resolve => worker.once('message', resolve))));
  const cam = await load(model);
  const { map } = await cam.explain(image, { target: 1 });
  const same = maps.every(other => other.every((value, i) => value === map.data[i]));
  console.log(same ? 'same in 3 workers' : 'different');
  const endless = start(model, 'endless');
  await new Promise(resolve => endless.once('message', resolve));
  await endless.terminate();
  await cam.explain(image);
  await cam.dispose();
  console.log('terminated');
} else {
  const { model, way } = workerData;
  const cam = await load(model);
  const result = await cam.explain(image, { target: 1 });
  parentPort.postMessage(result.map.data);
  if (way === 'endless') for (;;) await Promise.all(Array.from({ length: 4 }, () => cam.explain(image)));
  await cam.dispose();
}

function start(model, way) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { model, way } });
  worker.on('error', error => {
    console.error(error);
    process.exitCode = 1;
  });
  return worker;
}
