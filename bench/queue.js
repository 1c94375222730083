/**
 * What does a queue cost? The same pictures by `explain`, and by one `worker` from a queue; both as processes, in turns, wall-clock and
 * processor time from start to end: medians, and the least, which what else the machine does touches least and which is compared. Enqueuing is told apart. `npm run build`, then
 * `node bench/queue.js --queue redis://127.0.0.1:6379 [--count 500] [--rounds 5] [--chunk 100] [--small]` for each server.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { BUNDLED, CAT } from './support/models.js';
import { median, printHead, printTable } from './support/report.js';

const { values: flags } = parseArgs({
  options: {
    queue: { type: 'string' },
    count: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '5' },
    chunk: { type: 'string', default: '100' },
    // Pictures of 96×96: next to nothing but the model's time and the queue's.
    small: { type: 'boolean', default: false },
  },
});
if (!flags.queue) throw new Error('which queue? --queue redis://127.0.0.1:6379');
const COMMAND = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** Says the processor time of a process when it ends. */
const TELL_CPU = `data:text/javascript,process.on('exit',()=>{const{user,system}=process.cpuUsage();process.stdout.write((user+system)/1e6+'\\n')})`;

const work = await mkdtemp(join(tmpdir(), 'onnx-cam-queue-'));
try {
  const pictures = join(work, 'pictures');
  await makePictures(pictures);
  const steps = { explain: [], enqueue: [], worker: [] };
  for (let round = 0; round < Number(flags.rounds); round++) {
    const queue = ['--queue', flags.queue];
    const out = name => join(work, `${name}-${round}`);
    steps.explain.push(await timed(['explain', BUNDLED, pictures, '-o', out('explain')]));
    const enqueue = ['explain', BUNDLED, pictures, '-o', out('queue'), ...queue, '--chunk', flags.chunk];
    steps.enqueue.push(await timed(enqueue));
    steps.worker.push(await timed(['worker', ...queue, '--exit-when-empty']));
    for (const name of ['explain', 'queue']) await rm(out(name), { recursive: true });
  }
  await timed(['queue', 'drain', '--done', '--queue', flags.queue]);
  printHead(`${flags.count} pictures in chunks of ${flags.chunk}, ${flags.rounds} rounds`);
  const of = (step, kind) => steps[step].map(times => times[kind]);
  const percent = ratio => `${((ratio - 1) * 100).toFixed(1)} %`;
  const least = (step, kind) => Math.min(...of(step, kind));
  printTable(
    ['step', 'wall s', 'least', 'ms a picture', 'against explain', 'processor s', 'least', 'against explain'],
    Object.keys(steps).map(step => [
      step,
      ...['wall', 'cpu'].flatMap(kind => [
        median(of(step, kind)).toFixed(2),
        least(step, kind).toFixed(2),
        ...(kind === 'wall' ? [((least(step, kind) * 1000) / Number(flags.count)).toFixed(2)] : []),
        step === 'worker' ? percent(least(step, kind) / least('explain', kind)) : '',
      ]),
    ]),
  );
} finally {
  await rm(work, { recursive: true });
}

async function makePictures(folder) {
  await mkdir(folder);
  const one = join(work, flags.small ? 'one.jpg' : `one${extname(CAT)}`);
  if (flags.small) await sharp(CAT).resize(96, 96).jpeg().toFile(one);
  else await copyFile(CAT, one);
  for (let i = 0; i < Number(flags.count); i++) await copyFile(one, join(folder, `p${`${i}`.padStart(6, '0')}${extname(one)}`));
}

/** Seconds of a command line from start to end. */
async function timed(argv) {
  const begun = performance.now();
  const child = spawn(process.execPath, ['--import', TELL_CPU, COMMAND, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  let errors = '';
  child.stdout.on('data', text => (told += text));
  child.stderr.on('data', text => (errors += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${errors}`);
  return { wall: (performance.now() - begun) / 1000, cpu: Number(told.trimEnd().split('\n').at(-1)) };
}
