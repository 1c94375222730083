import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import license from 'rollup-plugin-license';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));

/** What package.json exports. */
export const EXPORTED = ['index', 'kernels/index', 'targets/index'];

/** What users install beside it, and the file that lies at the package's root; all else becomes part of dist/. */
const OUTSIDE = ['#package', ...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];

/**
 * Writes the package's JavaScript to dist/: a few files instead of hundreds, whose loading was a third of the time to the
 * first map, the packages that are JavaScript alone among them, with their licences and source maps.
 */
export async function bundle() {
  const input = Object.fromEntries([...EXPORTED, 'cli/main'].map(entry => [entry, `lib/${entry}.ts`]));
  for (const folder of ['chunks', 'cli']) rmSync(`${root}/dist/${folder}`, { recursive: true, force: true });
  const build = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    external: OUTSIDE,
    plugins: [
      license({ thirdParty: { output: { file: `${root}/dist/LICENSES.txt`, template: licences } } }),
      declaredVariable(),
      ownSourcesOnly(),
    ],
  });
  await build.write({
    dir: `${root}/dist`,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    cleanDir: false,
    sourcemap: true,
  });
  await build.close();
  // What `require` gets: the same modules, since Node loads those too by `require`. As a CommonJS file it has types of that kind.
  for (const entry of EXPORTED) writeFileSync(`${root}/dist/${entry}.cjs`, "module.exports = require('./index.js');\n");
}

/** One package says the name of its licence alone. */
const licences = packages =>
  [...packages.map(each => each.text()), 'The text of Apache-2.0 lies in assets/LICENSE-APACHE-2.0.'].join(
    '\n\n---\n\n',
  );

/** A part of `sixel` writes to a variable that it does not declare, which modules may not. */
const declaredVariable = () => ({
  name: 'declared variable',
  transform: (code, id) => (id.endsWith('/sixel/upng.js') ? { code: `var UPNG; ${code}`, map: null } : undefined),
});

/** Source maps hold what was written here, not the packages', which would be a third of them. */
const ownSourcesOnly = () => ({
  name: 'own sources only',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) {
      if (!file.fileName.endsWith('.map')) continue;
      const map = JSON.parse(file.source);
      map.sourcesContent = map.sources.map((source, i) =>
        source.includes('node_modules/') ? null : map.sourcesContent[i],
      );
      file.source = JSON.stringify(map);
    }
  },
});
