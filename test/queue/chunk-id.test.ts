import { expect, it } from 'vitest';
import type { Chunk } from '../../lib/queue/chunk.ts';
import { chunkId } from '../../lib/queue/chunk-id.ts';

const chunk: Chunk = {
  protocol: 1,
  version: '1.0.0',
  model: { path: '/m.onnx', sha256: 'ab'.repeat(32) },
  options: { method: ['grad-cam'], param: [['n', '3']], fit: 'crop' },
  out: '/out',
  part: { index: 1, count: 3 },
  inputs: [
    { path: '/a.png', stem: 'a' },
    { path: '/b.png', error: { code: 'ERR_IMAGE_NOT_FOUND', message: 'gone' } },
  ],
};

it.each<[string, Partial<Chunk>]>([
  ['the version', { version: '2.0.0' }],
  ['where the model lies', { model: { ...chunk.model, path: '/elsewhere.onnx' } }],
  ['the order of the options', { options: { fit: 'crop', param: [['n', '3']], method: ['grad-cam'] } }],
])('is the same whatever %s', (_, change) => {
  expect(chunkId({ ...chunk, ...change })).toBe(chunkId(chunk));
});

it.each<[string, Partial<Chunk>]>([
  ['the model', { model: { ...chunk.model, sha256: 'cd'.repeat(32) } }],
  ['an option', { options: { ...chunk.options, fit: 'squeeze' } }],
  ['an option within one', { options: { ...chunk.options, param: [['n', '4']] } }],
  ['the folder', { out: '/out2' }],
  ['the part', { part: { index: 2, count: 3 } }],
  ['the number of parts', { part: { index: 1, count: 4 } }],
  ['a path', { inputs: [{ path: '/c.png', stem: 'a' }, chunk.inputs[1]!] }],
  ['a name of files', { inputs: [{ path: '/a.png', stem: 'a.png' }, chunk.inputs[1]!] }],
  ['the order of inputs', { inputs: [...chunk.inputs].reverse() }],
])('is another one for %s', (_, change) => {
  expect(chunkId({ ...chunk, ...change })).not.toBe(chunkId(chunk));
});

it('may be a job’s: neither a number nor with a colon', () => {
  expect(chunkId(chunk)).toMatch(/^1of3-[0-9a-f]{32}$/);
});
