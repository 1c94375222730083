import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * Runs a Node script within limits of time and memory.
 * @param limits `seconds` without a line of output, `megabytes` resident
 * @param onLine called with each line of its standard output
 * @returns how it died: undefined where it ended by itself with code 0
 */
export async function runChild(script, args, { seconds, megabytes }, onLine = () => {}) {
  const child = spawn(process.execPath, [`--max-old-space-size=${megabytes}`, script, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let killed;
  let clock;
  let said = '';
  const stop = why => {
    killed ??= why;
    child.kill('SIGKILL');
  };
  const rewind = () => {
    clearTimeout(clock);
    clock = setTimeout(() => stop(`not done in ${seconds} s`), seconds * 1000);
  };
  rewind();
  const watch = setInterval(() => {
    if (resident(child.pid) > megabytes) stop(`over ${megabytes} MB of memory`);
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

/** Megabytes in memory; 0 where the system does not say. */
function resident(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  } catch {
    return 0;
  }
}
