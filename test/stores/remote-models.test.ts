import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf';
import { beforeEach, describe, expect, it } from 'vitest';
import * as library from '../../lib/index.ts';
import { fetchModel } from '../../lib/stores/fetch-model.ts';
import { makePicture, readManifest, runHere, workInTemporaryFolder } from '../cli/harness.ts';
import { expectError } from '../helpers/expect-error.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { residualModel, residualSpec } from '../helpers/small-models.ts';
import { deadOrigin, setEnvironment } from './faulty-server.ts';
import { BUCKET, s3Server } from './s3-server.ts';
import { type WebServer, webServer } from './web-server.ts';

const model = Buffer.from(residualModel());
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const sha256 = hashOf(model);
const weights = noise([4, 3, 3, 3], 1, 0.5).data;

/** The model with its first weight in another file. */
function modelWithWeightsIn(location: string): Buffer {
  const spec = residualSpec();
  const w1 = create(TensorProtoSchema, {
    dims: [4n, 3n, 3n, 3n],
    dataType: DataType.FLOAT,
    dataLocation: DataLocation.EXTERNAL,
    externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: location })],
  });
  return Buffer.from(buildModel({ ...spec, initializers: { ...spec.initializers, w1 } }));
}

let server: WebServer;
let url = '';
beforeEach(async () => {
  workInTemporaryFolder();
  setEnvironment({ ONNX_CAM_CACHE: join(process.cwd(), 'cache') });
  await makePicture('cat.png', 24, 20);
  server = await webServer();
  url = `${server.origin}/models/my%20net.onnx`;
  server.files.set('/models/my%20net.onnx', model);
});

const gets = () => server.requests.filter(one => one.startsWith('GET /models/my%20net.onnx') && !one.includes('.json'));

describe('models on a web server', () => {
  it('are fetched once, and again when they have changed', async () => {
    const { path, warnings } = await fetchModel(url);
    expect(readFileSync(path).equals(model)).toBe(true);
    expect(warnings).toEqual([]);
    let sent = 0;
    server.answer = (asked, answer) => {
      answer.on('finish', () => (sent += asked.url!.endsWith('.onnx') && answer.statusCode === 200 ? 1 : 0));
      return false;
    };
    expect((await fetchModel(url)).path).toBe(path);
    expect(sent).toBe(0);
    server.files.set('/models/my%20net.onnx', modelWithWeightsIn('w.bin'));
    server.files.set('/models/w.bin', Buffer.from(weights.buffer));
    const changed = await fetchModel(url);
    expect(readFileSync(changed.path).equals(model)).toBe(false);
    // Somebody may be reading it.
    expect(readFileSync(path).equals(model)).toBe(true);
  });

  it('of a known hash are asked for once, and others are refused', async () => {
    const { path } = await fetchModel(url, { sha256 });
    expect(gets()).toHaveLength(1);
    server.files.set('/models/my%20net.onnx', Buffer.from('another'));
    expect((await fetchModel(url, { sha256 })).path).toBe(path);
    expect(gets()).toHaveLength(1);
    await expectError(
      () => fetchModel(url, { sha256: hashOf(Buffer.from('x')) }),
      'ERR_MODEL_INVALID',
      /my%20net\.onnx is not the one that was asked for: its SHA-256 is/,
    );
    expect(filesBelow('cache').filter(name => name.endsWith('.tmp'))).toEqual([]);
  });

  it('come to any number at once, whole, from a server that breaks off', async () => {
    server.fate = (_, count) => (count % 4 === 1 ? 'cut' : count % 4 === 2 ? 503 : 'pass');
    const fetched = await Promise.all(Array.from({ length: 6 }, () => fetchModel(url, { sha256 })));
    expect(new Set(fetched.map(({ path }) => path)).size).toBe(1);
    expect(readFileSync(fetched[0]!.path).equals(model)).toBe(true);
    expect(filesBelow('cache').filter(name => name.endsWith('.tmp'))).toEqual([]);
  });

  it('bring with them what lies beside them', async () => {
    const beside = { labels: 'names/five.txt', preprocess: 'raw', inputs: { other: 'one.npy', bad: '../up.npy' } };
    server.files.set('/models/my%20net.onnx.json', Buffer.from(JSON.stringify(beside)));
    server.files.set('/models/names/five.txt', Buffer.from('a\nb\nc\nd\ne'));
    server.files.set('/models/one.npy', Buffer.from('array'));
    server.files.set('/models/preprocessor_config.json', Buffer.from('{}'));
    server.files.set('/models/config.json', Buffer.from('<!doctype html><p>not found'));
    server.files.set('/preprocessor_config.json', Buffer.from('{}'));
    const { path } = await fetchModel(`${url}?sig=SECRET`);
    expect(filesBelow(join(path, '..')).sort()).toEqual(
      ['my net.onnx', 'my net.onnx.json', 'names/five.txt', 'one.npy', 'preprocessor_config.json'].sort(),
    );
    expect(existsSync(join(path, '../../preprocessor_config.json'))).toBe(true);
    expect(server.requests).toContain('GET /models/names/five.txt?sig=SECRET');
    expect(server.requests.some(one => one.includes('up.npy'))).toBe(false);
    // It may change while the model stays.
    server.files.set('/models/my%20net.onnx.json', Buffer.from('{"preprocess":"unit"}'));
    expect(readFileSync(`${(await fetchModel(url, { sha256 })).path}.json`, 'utf8')).toContain('unit');
  });

  it('bring their weights, which are asked for once', async () => {
    server.files.set('/models/my%20net.onnx', modelWithWeightsIn('./data/my weights.bin'));
    await expectError(() => fetchModel(url), 'ERR_EXTERNAL_DATA', /weights in ".\/data\/my weights.bin".*404/);
    server.files.set('/models/data/my%20weights.bin', Buffer.from(weights.buffer));
    const { path } = await fetchModel(url);
    expect(readFileSync(join(path, '../data/my weights.bin')).length).toBe(weights.byteLength);
    let sent = 0;
    server.answer = (_, answer) => {
      answer.on('finish', () => (sent += answer.statusCode === 200 ? 1 : 0));
      return false;
    };
    await fetchModel(url);
    expect(sent).toBe(0);
    const { code, stderr } = await runHere(['layers', url], { library });
    expect(code, stderr).toBe(0);
  });

  it('do not reach out of their folder', async () => {
    for (const name of ['../../up.bin', '/etc/passwd', 'a/../../up.bin', '']) {
      server.files.set('/models/my%20net.onnx', modelWithWeightsIn(name));
      server.requests.length = 0;
      const { code, stderr } = await runHere(['layers', url], { library });
      expect(code).toBe(2);
      expect(stderr).toMatch(/ERR_EXTERNAL_DATA/);
      expect(server.requests.filter(one => /up\.bin|passwd/.test(one))).toEqual([]);
    }
  });

  it('say why they cannot be fetched', async () => {
    const failing = (location: string, code: Parameters<typeof expectError>[1], says: RegExp) =>
      expectError(() => fetchModel(location), code, says);
    await failing(
      `${server.origin}/none.onnx?sig=SECRET`,
      'ERR_MODEL_NOT_FOUND',
      /no model at http.*none\.onnx: .*404/,
    );
    await failing(`${await deadOrigin()}/x.onnx`, 'ERR_MODEL_NOT_FOUND', /cannot be fetched: .*ECONNREFUSED/);
    server.fate = ({ url }) => (url!.endsWith('.onnx') ? 'pass' : 403);
    const { warnings } = await fetchModel(url);
    expect(warnings).toEqual([expect.stringMatching(/whether there is my net\.onnx\.json beside .* cannot be told/)]);
    server.fate = () => 403;
    const error = await expectError(() => fetchModel(`${url}?sig=SECRET`), 'ERR_MODEL_NOT_FOUND', /no permission/);
    expect(error.message).not.toContain('SECRET');
    writeFileSync('file', '');
    setEnvironment({ ONNX_CAM_CACHE: join(process.cwd(), 'file') });
    await failing(url, 'ERR_OUTPUT', /file is not a folder; ONNX_CAM_CACHE names another/);
  });

  it('are those of explain, measure and evaluate too', async () => {
    const secret = `${url}?sig=SECRET`;
    writeFileSync('net.onnx', model);
    const explain = (...argv: string[]) => runHere(['explain', ...argv], { library });
    expect((await explain('net.onnx', 'cat.png', '-o', 'here')).code).toBe(0);
    const { code, stdout, stderr } = await explain(secret, 'cat.png', '-o', 'there', '--json');
    expect(code, stderr).toBe(0);
    const map = 'cat.grad-cam.map.npy';
    expect(readFileSync(join('there', map)).equals(readFileSync(join('here', map)))).toBe(true);
    expect(readManifest('there').run).toMatchObject({ model: url, sha256 });
    expect(stdout + stderr + readFileSync('there/manifest.jsonl', 'utf8')).not.toContain('SECRET');
    const measure = ['measure', secret, 'cat.png', '--map', join('here', map), '--metric', 'average-drop'];
    expect((await runHere(measure, { library })).code).toBe(0);
    const evaluate = ['evaluate', secret, 'cat.png', '-o', 'judged', '--metric', 'average-drop', '--no-controls'];
    expect((await runHere(evaluate, { library })).code).toBe(0);
    expect((await explain(`${server.origin}/none.onnx`, 'cat.png', '-o', 'none')).code).toBe(2);
    expect(existsSync('none')).toBe(false);
  });
});

describe('models on S3', () => {
  it('are fetched with what lies beside them', async () => {
    const s3 = await s3Server();
    s3.objects.set('models/net.onnx', modelWithWeightsIn('net.onnx.data'));
    s3.objects.set('models/net.onnx.data', Buffer.from(weights.buffer));
    s3.objects.set('models/net.onnx.json', Buffer.from('{"preprocess":"raw"}'));
    const { path } = await fetchModel(`s3://${BUCKET}/models/net.onnx`);
    expect(filesBelow(join(path, '..')).sort()).toEqual(['net.onnx', 'net.onnx.data', 'net.onnx.json']);
    s3.requests.length = 0;
    const again = await fetchModel(`s3://${BUCKET}/models/net.onnx`);
    expect(again.path).toBe(path);
    const { code, stderr } = await runHere(['layers', `s3://${BUCKET}/models/net.onnx`], { library });
    expect(code, stderr).toBe(0);
    await expectError(() => fetchModel(`s3://${BUCKET}/none.onnx`), 'ERR_MODEL_NOT_FOUND', /no model at s3:/);
    await expectError(() => fetchModel('s3://none/net.onnx'), 'ERR_MODEL_NOT_FOUND', /no bucket "none"/);
  });
});

/** Names below a folder, but for those of notes. */
function filesBelow(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== '.fetched.json')
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
