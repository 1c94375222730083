/** The declarations as users meet them: test/types/ in the strictest settings. scripts/try-typescript.js tries other compilers. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { METRICS } from '../lib/metrics/registry.ts';
import { UserProject } from './helpers/user-project.ts';

const project = new UserProject('types-test');
afterAll(() => project.remove());
for (const file of ['user.ts', 'sharp.ts', 'onnxruntime.ts'])
  project.add(file, readFileSync(`test/types/${file}`, 'utf8'));

it.each([
  ['nodenext', 'nodenext'],
  ['node16', 'node16'],
  ['esnext', 'bundler'],
  ['preserve', 'bundler'],
])('compile with module %s, moduleResolution %s', (module, moduleResolution) => {
  expect(project.check(['user.ts', 'sharp.ts'], '--module', module, '--moduleResolution', moduleResolution)).toBe('');
});

it("take onnxruntime-node's tensors", () => {
  expect(project.check(['onnxruntime.ts'], '--skipLibCheck')).toBe('');
});

it('name every metric', () => {
  const names = METRICS.map(({ name }) => `'${name}'`);
  project.add(
    'names.ts',
    `import type { MetricName } from 'onnx-cam';
export const names: Record<MetricName, 1> = { ${names.map(name => `${name}: 1`).join(', ')} };
`,
  );
  expect(project.check(['names.ts'])).toBe('');
});

it('take undefined for what may be left out', () => {
  project.add('strict.ts', 'const a: { b?: string } = { b: undefined };\nexport { a };\n');
  expect(project.check(['strict.ts']), 'the setting that test/types/user.ts is checked with').toMatch(/exactOptional/);
});

it('refuse what is wrong', () => {
  project.add('wrong.ts', "import { load } from 'onnx-cam';\nawait (await load('a')).explain('b', { target: {} });\n");
  expect(project.check(['wrong.ts'])).toMatch(/wrong\.ts\(2,/);
});
