import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { checkJob, readProgress } from '../../lib/queue/check-job.ts';
import { expectError } from '../helpers/expect-error.ts';

const chunk = {
  protocol: 1,
  version: '1.0.0',
  model: { path: 's3://models/m.onnx', sha256: 'ab'.repeat(32) },
  options: { method: ['grad-cam'] },
  out: '/out',
  part: { index: 0, count: 2 },
  inputs: [
    { path: '/p/a.png', stem: 'sub/a' },
    { path: '/p/b.png', error: { code: 'ERR_IMAGE_NOT_FOUND', message: 'gone' } },
  ],
};
const job = { chunk, round: 2, tries: { 0: 1 } };

it('takes what was enqueued, and nothing besides', () => {
  expect(checkJob(job)).toEqual(job);
  expect(checkJob({ ...job, more: 1, chunk: { ...chunk, more: 2 } })).toEqual(job);
  expect(checkJob({ ...job, tries: { x: 1, 1: -1, 0: 2 } }).tries).toEqual({ 0: 2 });
});

const changed = (change: object) => ({ ...job, chunk: { ...chunk, ...change } });
const named = (stem: unknown) => changed({ inputs: [{ path: '/a', stem }] });

it.each([
  ['round', { ...job, round: 0 }],
  ['the job', [job]],
  ['the chunk', { ...job, chunk: null }],
  ['version', changed({ version: 7 })],
  ['model.sha256', changed({ model: { path: '/m', sha256: 'AB' } })],
  ['model.path', changed({ model: { path: 'm.onnx', sha256: chunk.model.sha256 } })],
  ['options', changed({ options: [] })],
  ['out', changed({ out: 'here' })],
  ['out', changed({ out: '/a\0b' })],
  ['part.count', changed({ part: { index: 2, count: 2 } })],
  ['part.index', changed({ part: { index: 0.5, count: 2 } })],
  ['inputs', changed({ inputs: [] })],
  ['inputs', changed({ inputs: { length: 3 } })],
  ['inputs', changed({ inputs: new Array(100_001).fill(chunk.inputs[0]) })],
  ['inputs[0].path', changed({ inputs: [{ path: 'x'.repeat(9_000), stem: 'a' }] })],
  ['inputs[0].error.code', changed({ inputs: [{ path: '/a', error: { code: 'no', message: '' } }] })],
  ['inputs[0].stem', named('/etc/a')],
  ['inputs[0].stem', named('../a')],
  ['inputs[0].stem', named('a/../../b')],
  ['inputs[0].stem', named('a\\..\\..\\b')],
  ['inputs[0].stem', named('C:a')],
  ['inputs[0].stem', named('')],
  ['inputs[0].stem', named('a//b')],
])('refuses what is wrong in %s', async (what, data) => {
  await expectError(() => checkJob(data), 'ERR_QUEUE', 'was not written by onnx-cam', `: ${what} must be`);
});

it('answers any JSON, and reads any progress', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      try {
        checkJob(value);
      } catch (error) {
        expect(error).toBeInstanceOf(OnnxCamError);
      }
      const { done, failed, inWork } = readProgress(value);
      for (const count of [done, failed, ...inWork]) expect(count).toBeGreaterThanOrEqual(0);
    }),
  );
});
