import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Of the clock for each second of work: others may be using the machine, and what only waits must end as well. */
const PATIENCE = 6;

/**
 * Runs a Node script within limits of time and memory.
 * @param limits CPU `seconds` without a line of output, `megabytes` resident
 * @param onLine called with each line of its standard output
 * @returns how it died: undefined where it ended by itself with code 0
 */
export async function runChild(script, args, { seconds, megabytes }, onLine = () => {}) {
  const child = spawn(process.execPath, [`--max-old-space-size=${megabytes}`, script, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let killed;
  let clock;
  let before = 0;
  let said = '';
  const stop = why => {
    killed ??= why;
    child.kill('SIGKILL');
  };
  const rewind = () => {
    clearTimeout(clock);
    clock = setTimeout(() => stop(`waiting for ${PATIENCE * seconds} s`), PATIENCE * seconds * 1000);
    before = statusOf(child.pid).seconds;
  };
  rewind();
  const watch = setInterval(() => {
    const now = statusOf(child.pid);
    if (now.megabytes > megabytes) stop(`over ${megabytes} MB of memory`);
    if (now.seconds - before > seconds) stop(`not done in ${seconds} CPU seconds`);
  }, 50);
  child.stderr.on('data', data => (said = (said + data).slice(-2000)));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', line => {
    rewind();
    onLine(line);
  });
  const read = new Promise(resolve => lines.on('close', resolve));
  const [code, signal] = await new Promise(resolve => child.on('close', (...how) => resolve(how)));
  await read;
  clearTimeout(clock);
  clearInterval(watch);
  if (killed) return killed;
  if (code === 0) return undefined;
  return `${signal ?? `exit ${code}`}${said ? `: ${said.trim().split('\n').slice(-3).join(' ').slice(-300)}` : ''}`;
}

/** Memory and CPU time of a process; 0 where the system does not say. */
function statusOf(pid) {
  try {
    // After the name, which may hold anything: user and system time are fields 14 and 15, in hundredths of a second.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
    return { megabytes: kilobytes / 1024, seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
  } catch {
    return { megabytes: 0, seconds: 0 };
  }
}
