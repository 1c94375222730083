import { type FileLock, lockFile } from '../../lib/io/file-lock.ts';

/** Runs as a process of its own: locks, looks and releases when it's told to, and answers each time. */
let lock: FileLock | undefined;

async function answer({ what, path, patience }: { what: string; path: string; patience: number }): Promise<unknown> {
  try {
    if (what === 'lock') lock = await lockFile(path, { patience });
    if (what === 'release') await lock!.release();
    return what === 'release' ? 'released' : (await lock!.isHeld()) ? 'held' : 'lost';
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return { code, message };
  }
}

process.on('message', async request => process.send!(await answer(request as Parameters<typeof answer>[0])));
process.on('disconnect', () => process.exit());
