import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { addModel, slowInput, slowModel, vector } from './models.ts';

/** A buffer that can change its size; TypeScript's library for ES2023 does not know these yet. */
interface Resizable {
  resize(size: number): void;
  grow(size: number): void;
}
type WithOptions<T> = new (size: number, options: { maxByteLength: number }) => T & Resizable;

const resizable = (size: number, maxByteLength = size) =>
  new (ArrayBuffer as unknown as WithOptions<ArrayBuffer>)(size, { maxByteLength });
const growable = (size: number, maxByteLength = size) =>
  new (SharedArrayBuffer as unknown as WithOptions<SharedArrayBuffer>)(size, { maxByteLength });

let session: Session;
beforeAll(async () => {
  session = await Session.create(addModel());
});
afterAll(() => session.dispose());

async function sum(data: Float32Array): Promise<number[]> {
  const { y } = await session.run({ x: vector(data) }, ['y']);
  return [...(y!.data as Float32Array)];
}

describe('inputs', () => {
  test('a view with an offset is read from its offset', async () => {
    const all = Float32Array.of(9, 9, 10, 20, 30, 40, 9);
    expect(await sum(all.subarray(2, 6))).toEqual([11, 22, 33, 44]);
  });

  test('a view over a SharedArrayBuffer is read in place', async () => {
    const shared = new Float32Array(new SharedArrayBuffer(24), 8, 4);
    shared.set([10, 20, 30, 40]);
    expect(await sum(shared)).toEqual([11, 22, 33, 44]);
  });

  test('a view over a resizable buffer is copied: shrinking it afterwards has no effect', async () => {
    const buffer = resizable(16, 1 << 20);
    const data = new Float32Array(buffer);
    data.set([10, 20, 30, 40]);
    const result = sum(data);
    buffer.resize(0);
    expect(await result).toEqual([11, 22, 33, 44]);
  });

  test('a view over a growable shared buffer is copied', async () => {
    const buffer = growable(16, 1 << 20);
    const data = new Float32Array(buffer, 0, 4);
    data.set([10, 20, 30, 40]);
    const result = sum(data as unknown as Float32Array);
    buffer.grow(1 << 20);
    data.fill(0);
    expect(await result).toEqual([11, 22, 33, 44]);
  });

  test('shrinking a resizable buffer during a long run neither crashes nor changes the result', async () => {
    await using slow = await Session.create(slowModel({ nodes: 40 }), { intraOpNumThreads: 1 });
    const { data, dims } = slowInput(128);
    const expected = await slow.run({ x: vector(data, dims) }, ['y']);
    const buffer = resizable(data.byteLength);
    const view = new Float32Array(buffer);
    view.set(data);
    const run = slow.run({ x: vector(view, dims) }, ['y']);
    buffer.resize(0);
    expect(await run).toEqual(expected);
  });

  test('a buffer transferred during the run rejects instead of giving numbers', async () => {
    const data = Float32Array.of(10, 20, 30, 40);
    const run = session.run({ x: vector(data) }, ['y']);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    await expect(run).rejects.toMatchObject({ code: 'ERR_RUNTIME', message: expect.stringMatching(/transferred/) });
  });

  test('a buffer transferred before the run is refused', async () => {
    const data = Float32Array.of(10, 20, 30, 40);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    const run = session.run({ x: { type: 'float32', data, dims: [4] } }, ['y']);
    await expect(run).rejects.toMatchObject({ code: 'ERR_INPUT_SHAPE', message: expect.stringMatching(/transferred/) });
  });

  test('copyInputs lets the caller write and transfer at once', async () => {
    const data = Float32Array.of(10, 20, 30, 40);
    const run = session.run({ x: vector(data) }, ['y'], { copyInputs: true });
    data.fill(0);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    expect([...((await run).y!.data as Float32Array)]).toEqual([11, 22, 33, 44]);
  });

  test('the model may be in a resizable buffer, and its bytes are not needed after creation', async () => {
    const model = addModel();
    const buffer = resizable(model.length);
    const bytes = new Uint8Array(buffer);
    bytes.set(model);
    const creation = Session.create(bytes);
    buffer.resize(0);
    await using created = await creation;
    model.fill(0);
    const { y } = await created.run({ x: vector([0, 0, 0, 0]) }, ['y']);
    expect([...y!.data]).toEqual([1, 2, 3, 4]);
  });
});

describe('outputs', () => {
  test.each([false, true])('with copyOutputs %s they can be written', async copyOutputs => {
    const { y } = await session.run({ x: vector([0, 0, 0, 0]) }, ['y'], { copyOutputs });
    const data = y!.data as Float32Array;
    data[0] = 5;
    expect([...data]).toEqual([5, 2, 3, 4]);
  });

  test('copies can be transferred to other threads', async () => {
    const { y } = await session.run({ x: vector([0, 0, 0, 0]) }, ['y'], { copyOutputs: true });
    const clone = structuredClone(y!.data, { transfer: [y!.data.buffer as ArrayBuffer] });
    expect([...(clone as Float32Array)]).toEqual([1, 2, 3, 4]);
  });

  test("the caller's own tensor is written to and handed back", async () => {
    const all = new Float32Array(8);
    const own = vector(all.subarray(2, 6));
    const results = await session.run({ x: vector([10, 20, 30, 40]) }, ['y'], { outputs: { y: own } });
    expect(results.y).toBe(own);
    expect([...all]).toEqual([0, 0, 11, 22, 33, 44, 0, 0]);
  });

  test('an own tensor too small for the result is an error, not a write beyond its end', async () => {
    const model = buildModel({
      nodes: [makeNode('Neg', ['x'], ['y'])],
      inputs: [{ name: 'x', dims: ['n'] }],
      outputs: [{ name: 'y', dims: ['n'] }],
    });
    await using dynamic = await Session.create(model);
    const own = vector(new Float32Array(3));
    const run = dynamic.run({ x: vector([1, 2, 3, 4]) }, ['y'], { outputs: { y: own } });
    await expect(run).rejects.toMatchObject({ code: 'ERR_RUNTIME' });
    expect([...own.data]).toEqual([0, 0, 0]);
  });

  test.each<[string, Record<string, Tensor>, string]>([
    ['for an output that is not fetched', { z: vector([0]) }, 'ERR_OPTION_INVALID'],
    ['of another type', { y: { type: 'int32', data: new Int32Array(4), dims: [4] } }, 'ERR_INPUT_SHAPE'],
    ['of another shape', { y: vector([0, 0, 0]) }, 'ERR_INPUT_SHAPE'],
    ['in a resizable buffer', { y: vector(new Float32Array(resizable(16))) }, 'ERR_OPTION_INVALID'],
  ])('an own tensor %s is refused', async (_, outputs, code) => {
    await expect(session.run({ x: vector([1, 2, 3, 4]) }, ['y'], { outputs })).rejects.toMatchObject({ code });
  });
});
