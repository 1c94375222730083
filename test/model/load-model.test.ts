import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { parseSidecar } from '../../lib/model/file/sidecar.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { loadModel } from '../../lib/model/load-model.ts';
import { load } from '../helpers/load.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { residualModel, vggModel } from '../helpers/small-models.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-cam-load-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('loadModel', () => {
  it('takes a path, a URL and bytes', async () => {
    const bytes = residualModel();
    const path = join(folder, 'model one.onnx');
    await writeFile(path, bytes);
    for (const source of [path, pathToFileURL(path), pathToFileURL(path).href, bytes, Buffer.from(bytes)]) {
      const model = await load(source);
      expect(model.chosen!.name).toBe('r2');
      expect(model.path).toBe(source instanceof Uint8Array ? undefined : path);
      expect(await model.sha256()).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });

  it("gives the same facts and layers through the library's own engine", async () => {
    const createSession = Session.create.bind(Session);
    for (const bytes of [residualModel(), vggModel(), residualModel({ batch: 1, flattenTo: [1, -1] })]) {
      const own = await loadModel(bytes, { createSession });
      const other = await load(bytes);
      expect(new Map(own.facts)).toEqual(new Map(other.facts));
      expect(own.layers).toEqual(other.layers);
      expect(own.logits).toEqual(other.logits);
    }
  });

  it('reads the JSON file beside the model; options win', async () => {
    const path = join(folder, 'described.onnx');
    await writeFile(path, vggModel());
    const sidecar = { name: 'tiny', preprocess: { size: [16, 16] }, labels: ['a', 'b'], layer: 'r1', output: 'y' };
    await writeFile(`${path}.json`, JSON.stringify(sidecar));
    const { name: _, ...known } = sidecar;
    expect((await load(path)).sidecar).toEqual(known);
    await writeFile(`${path}.json`, JSON.stringify({ input: 'nothing' }));
    await expect(load(path)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    expect((await load(path, { input: 'x' })).input.name).toBe('x');
  });

  it('names what cannot be read', async () => {
    await mkdir(join(folder, 'directory'));
    await writeFile(join(folder, 'empty.onnx'), '');
    const refusal = (source: string | URL, code: string, message: RegExp) =>
      expect(load(source)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    await refusal(join(folder, 'missing.onnx'), 'ERR_MODEL_NOT_FOUND', /there is no model file ".*missing\.onnx"/);
    await refusal(join(folder, 'directory'), 'ERR_MODEL_INVALID', /folder/);
    await refusal(join(folder, 'empty.onnx'), 'ERR_MODEL_INVALID', /empty/);
    await refusal(new URL('https://example.com/model.onnx'), 'ERR_MODEL_NOT_FOUND', /https:.*not fetched/);
  });

  it('passes on what the runtime says of unknown operators and impossible shapes', async () => {
    const model = (op: string, domain = '') =>
      buildModel({
        opset: { '': 17, ...(domain && { [domain]: 1 }) },
        nodes: [makeNode(op, ['x', 'w'], ['y'], {}, { domain })],
        inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
        outputs: [{ name: 'y' }],
        initializers: { w: noise([4, 7, 1, 1]) },
      });
    await expect(load(model('Frobnicate'))).rejects.toMatchObject({
      code: 'ERR_MODEL_UNSUPPORTED',
      message: expect.stringMatching(/Frobnicate/),
    });
    await expect(load(model('Frobnicate', 'my.domain'))).rejects.toMatchObject({ code: 'ERR_MODEL_UNSUPPORTED' });
    await expect(load(model('Gemm'))).rejects.toMatchObject({ code: 'ERR_MODEL_INVALID' });
  });

  it('can be aborted', async () => {
    const signal = AbortSignal.abort();
    await expect(load(residualModel(), { signal })).rejects.toMatchObject({ code: 'ERR_ABORTED', name: 'AbortError' });
  });

  it('answers every damage of a file with a coded error or a model, through the real engine', async () => {
    const bytes = residualModel();
    const createSession = Session.create.bind(Session);
    let refused = 0;
    let attempts = 0;
    for (let bit = 5; bit < bytes.length * 8; bit += 61) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      attempts++;
      try {
        await loadModel(damaged, { createSession });
      } catch (error) {
        expect(error).toMatchObject({ name: 'OnnxCamError', code: expect.stringMatching(/^ERR_(MODEL_|EXTERNAL)/) });
        refused++;
      }
    }
    expect(attempts).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(30);
  });
});

describe('parseSidecar', () => {
  it('refuses what it does not understand', () => {
    const parse = (value: unknown) => () => parseSidecar(JSON.stringify(value), 'm.onnx.json');
    expect(parse({ $schema: 'x', _note: 1, layer: ['a', -1], tokens: { grid: [14, 14], prefix: 1 } })()).toEqual({
      layer: ['a', -1],
      tokens: { grid: [14, 14], prefix: 1 },
    });
    expect(() => parseSidecar('{ "layer": ', 'm.onnx.json')).toThrowError(/m\.onnx\.json is no valid JSON/);
    expect(parse([1])).toThrowError(/must hold a JSON object/);
    expect(parse({ label: ['a'] })).toThrowError(/unknown key "label" \(did you mean labels/);
    expect(parse({ labels: [1] })).toThrowError(/"labels" must be an array of class names/);
    expect(parse({ layer: 3 })).toThrowError(/"layer" must be/);
    expect(parse({ tokens: { grid: [14] } })).toThrowError(/"tokens" must be/);
    expect(parse({ input: '' })).toThrowError(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });
});
