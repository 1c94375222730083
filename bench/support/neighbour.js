import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that keeps one core busy until it is stopped. */
export async function busyNeighbour() {
  const child = spawn(process.execPath, ['-e', "process.stdout.write('.'); for (;;) Math.sqrt(Math.random())"], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  return () => child.kill('SIGKILL');
}
