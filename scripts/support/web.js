import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import license from 'rollup-plugin-license';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the page has in place of Node's modules and of native kernels. */
const IN_BROWSERS = {
  'node:util': `${root}/web/support/inspect.ts`,
  'node:timers/promises': `${root}/web/support/next-turn.ts`,
  '../kernels/pixel-order.ts': `${root}/web/support/pixel-order.ts`,
};

/**
 * Writes the page of reports and of `onnx-cam serve` to dist/web/: page.js, one script with all that it needs and the licences of
 * the packages in it, and page.css.
 */
export async function bundleWeb() {
  let licences = '';
  const build = await rolldown({
    cwd: root,
    input: 'web/main.tsx',
    platform: 'browser',
    tsconfig: 'web/tsconfig.json',
    plugins: [
      { name: 'in browsers', resolveId: source => IN_BROWSERS[source] },
      license({
        thirdParty: {
          output: packages => {
            licences = packages.map(each => each.text()).join('\n\n---\n\n');
          },
        },
      }),
    ],
  });
  const {
    output: [{ code }],
  } = await build.generate({ format: 'iife', minify: true });
  await build.close();
  const styles = readdirSync(`${root}/web/style`).filter(name => name.endsWith('.css'));
  const css = [
    `${root}/node_modules/uplot/dist/uPlot.min.css`,
    ...styles.sort().map(name => `${root}/web/style/${name}`),
  ];
  mkdirSync(`${root}/dist/web`, { recursive: true });
  writeFileSync(`${root}/dist/web/page.js`, `/*!\n${licences.replaceAll('*/', '* /')}\n*/\n${code}`);
  writeFileSync(`${root}/dist/web/page.css`, css.map(path => readFileSync(path, 'utf8')).join('\n'));
}
