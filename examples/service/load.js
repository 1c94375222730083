// A load test of a service that runs: levels of concurrency, clients that hang up, clients that trickle, and whether memory stays where it
// was. Prints Markdown.
//   node load.js [--url http://127.0.0.1:8080] [--picture FILE] [--levels 1,8,64,256] [--seconds 20] [--soak 20000]
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ask, metric, trickle } from './load-clients.js';

const bundled = () => fileURLToPath(new URL('./assets/pictures/cat.png', import.meta.resolve('onnx-cam/package.json')));
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    picture: { type: 'string' },
    levels: { type: 'string', default: '1,8,64,256' },
    seconds: { type: 'string', default: '20' },
    soak: { type: 'string', default: '20000' },
  },
});
const { url } = values;
const seconds = Number(values.seconds);
const picture = readFileSync(values.picture ?? bundled());
const rss = async () => Math.round((await metric(url, 'process_resident_memory_bytes')) / 2 ** 20);

const rows = [];
const row = async (situation, work) => {
  const { row: met } = await work();
  rows.push({ situation, ...met, 'RSS MiB': await rss() });
};

await ask(url, picture, { clients: 4, accepted: 200, waits: true }); // warm
for (const clients of values.levels.split(',').map(Number)) {
  await row(`${clients} client${clients === 1 ? '' : 's'}`, () => ask(url, picture, { clients, seconds, waits: true }));
  if (clients > 64)
    await row(`${clients} clients that don't wait when refused`, () => ask(url, picture, { clients, seconds }));
}

// Those who stay are served while others come and go, and nobody who has left keeps a place.
await row('8 clients, beside 24 that hang up', async () => {
  const [stayed] = await Promise.all([
    ask(url, picture, { clients: 8, seconds, waits: true }),
    ask(url, picture, { clients: 24, seconds, leaves: 60 }),
  ]);
  return stayed;
});
const hungUp = performance.now();
const waited = () => (performance.now() - hungUp) / 1000;
while ((await metric(url, 'onnx_cam_in_service')) > 0 && waited() < 10) await sleep(100);
const freed = waited();

await row('8 clients, beside 200 that send a byte a second', async () => {
  const end = trickle(url, 200);
  const stayed = await ask(url, picture, { clients: 8, seconds, waits: true });
  end();
  return stayed;
});

const before = await rss();
await row(`16 clients, ${values.soak} pictures`, () =>
  ask(url, picture, { clients: 16, accepted: Number(values.soak), waits: true }),
);
const after = await rss();

const columns = Object.keys(rows[0]);
const line = cells => `| ${cells.join(' | ')} |`;
console.log(
  [columns, columns.map(() => '---'), ...rows.map(one => columns.map(name => one[name] ?? ''))].map(line).join('\n'),
);
console.log(`\nPlaces of clients who hung up were free again after ${freed.toFixed(1)} s.`);
console.log(`Resident memory before and after ${values.soak} pictures: ${before} and ${after} MiB.`);
if (freed >= 10) process.exitCode = 1;
