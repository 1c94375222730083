import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What package.json names, and the command. */
const ENTRIES = ['index', 'kernels/index', 'targets/index', 'cli/main'];

/**
 * Writes the package's JavaScript to dist/: a few files instead of hundreds, whose loading was a third of the time to the
 * first map. Packages stay outside.
 */
export async function bundle() {
  const input = Object.fromEntries(ENTRIES.map(entry => [entry, `lib/${entry}.ts`]));
  const build = await rolldown({ cwd: root, input, platform: 'node', external: /^[^./]/ });
  await build.write({
    dir: `${root}/dist`,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    cleanDir: false,
  });
  await build.close();
}
