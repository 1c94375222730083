import { copyFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { EXPORTED } from './bundle.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Writes one declaration file for each entry to dist/, made of those that the compiler wrote to build/types/, and its twin for
 * `require`. @throws Error where one needs a package's types: users may lack them.
 */
export async function rollUpDeclarations() {
  for (const entry of EXPORTED) {
    const build = await rollup({ input: `${root}/build/types/${entry}.d.ts`, plugins: [dts()], external: /^[^./]/ });
    const file = `${root}/dist/${entry}.d.ts`;
    const { output } = await build.write({ file, format: 'es' });
    await build.close();
    const foreign = output.flatMap(chunk => chunk.imports);
    if (foreign.length > 0)
      throw new Error(`the declarations of ${entry} need ${foreign.join(', ')}: mark what does @internal`);
    copyFileSync(file, file.replace(/\.d\.ts$/, '.d.cts'));
  }
  rmSync(`${root}/build/types`, { recursive: true });
}
