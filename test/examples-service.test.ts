/** The service in examples/service: what it answers, and to whom. Each test talks to a process that runs a copy of the folder. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { Service as K8sService } from 'kubernetes-models/v1';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
// @ts-expect-error examples are plain JavaScript
import { readConfig } from '../examples/service/config.js';
// @ts-expect-error examples are plain JavaScript
import { answerOf } from '../examples/service/errors.js';
import { load } from '../lib/index.ts';
import { greenModel, picturesOf, post, refusal, scalar } from './helpers/ask-service.ts';
import { type Service, ServiceCopy } from './helpers/run-service.ts';

interface Answer {
  readonly model: { readonly name: string; readonly sha256: string };
  readonly method: string;
  readonly status: string;
  readonly reason: string | null;
  readonly boxes: readonly unknown[];
  readonly map: { readonly width: number; readonly height: number; readonly encoding?: string; readonly data?: string };
}

const copy = new ServiceCopy();
const { cat, black } = await picturesOf();
const MODEL = resolve('assets/efficientnet-lite0.onnx');

beforeAll(() => writeFileSync(join(copy.folder, 'green.onnx'), greenModel()));

/** With the small model as 'green'. */
const green = { name: 'green', path: 'green.onnx', preload: true, methods: ['grad-cam', 'layer-cam'] };
const startGreen = (): Promise<Service> => copy.start({ models: [green] });

describe('an answer', () => {
  it("is the library's map as JSON, in each encoding", async () => {
    const { url } = await copy.start({ models: [{ name: 'lite', path: MODEL, preload: true }] });
    const cam = await load(MODEL);
    const expected = await cam.explain(cat, { target: 282, method: 'hirescam', mapSize: { max: 100 } });
    await cam.dispose();

    const query = '?target=282&method=hirescam&size=100&map=';
    const bytes = async (encoding: string) => {
      const answer = await post(url, `${query}${encoding}`, { body: cat });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
      const { model, map, boxes, ...said } = (await answer.json()) as Answer;
      expect(model.name).toBe('lite');
      expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(said).toMatchObject({ method: 'hirescam', target: { index: 282, label: 'tiger cat' }, status: 'ok' });
      expect(boxes.length).toBeGreaterThan(0);
      const { width, height } = expected.map;
      expect(map).toMatchObject({ width, height });
      expect(map.encoding).toBe(encoding === 'none' ? undefined : encoding);
      return Uint8Array.from(Buffer.from(map.data ?? '', 'base64'));
    };
    expect(await bytes('none')).toHaveLength(0);
    const values = new Float32Array((await bytes('float32')).buffer);
    expect(Buffer.from(values.buffer).equals(Buffer.from(expected.map.data.buffer))).toBe(true);
    const halves = await bytes('float16');
    expect(halves).toHaveLength(2 * values.length);
    for (const [i, value] of values.entries())
      expect(Math.abs(halfAt(halves, i) - value)).toBeLessThanOrEqual(2 ** -12 + 1e-9);
    const npy = Buffer.from(await bytes('npy'));
    expect(npyOf(npy)).toEqual({ shape: [expected.map.height, expected.map.width], data: Buffer.from(values.buffer) });

    // The same by a form, and the map alone.
    const form = new FormData();
    form.set('target', '282');
    form.set('method', 'HiResCAM'.toLowerCase());
    form.set('picture', new Blob([cat]), 'cat.png');
    form.set('size', '100');
    const alone = await post(url, '?size=20', { body: form, accept: 'application/x-npy' });
    expect(alone.headers.get('content-type')).toBe('application/x-npy');
    expect(Buffer.from(await alone.arrayBuffer()).equals(npy)).toBe(true);
  });

  it('is a picture for those who accept one', async () => {
    const { url } = await startGreen();
    for (const format of ['png', 'jpeg', 'webp']) {
      const answer = await post(url, '?size=40', { body: cat, accept: `text/html, image/${format};q=0.9, */*;q=0.1` });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, `image/${format}`]);
      expect(answer.headers.get('vary')).toBe('accept');
      const { format: got, width, height } = await sharp(await answer.arrayBuffer()).metadata();
      expect({ got, width, height }).toEqual({ got: format, width: 40, height: 27 });
    }
    const of = async (query: string) =>
      Buffer.from(await (await post(url, query, { body: cat, accept: 'image/png' })).arrayBuffer());
    const overlay = await of('?size=40');
    for (const query of ['kind=heatmap', 'colormap=viridis', 'alpha=0.1', 'boxes=true'])
      expect((await of(`?size=40&${query}`)).equals(overlay)).toBe(false);
  });

  it('takes the default of the model, and says what there is nothing to see in', async () => {
    const { url } = await startGreen();
    const { method, status, reason, map } = (await (await post(url, '?map=float16', { body: black })).json()) as Answer;
    expect({ method, status }).toEqual({ method: 'grad-cam', status: 'zero' });
    expect(reason).toEqual(expect.any(String));
    expect(Buffer.from(map.data!, 'base64').every(byte => byte === 0)).toBe(true);
  });
});

describe('a refusal', () => {
  const form = (parts: Readonly<Record<string, string | Blob>>) => {
    const made = new FormData();
    for (const [name, value] of Object.entries(parts)) made.set(name, value);
    return made;
  };
  const picture = new Blob([cat]);
  const large = Buffer.alloc(400_000);
  const cut = {
    body: '--x\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\nabc',
    type: 'multipart/form-data; boundary=x',
  };

  it.each([
    ['an unknown option', '?metod=cam', { body: cat }, 400, 'ERR_OPTION_INVALID', 'metod'],
    ['a value that is none of those', '?map=gif', { body: cat }, 400, 'ERR_OPTION_INVALID', 'float16'],
    ['a number out of range', '?size=100000', { body: cat }, 400, 'ERR_OPTION_INVALID', '2048'],
    ['a name that is too long', `?layer=${'a'.repeat(301)}`, { body: cat }, 400, 'ERR_OPTION_INVALID', '300'],
    ['a field of a form', '', { body: form({ picture, sise: '20' }) }, 400, 'ERR_OPTION_INVALID', 'sise'],
    ['the model in a form', '', { body: form({ picture, model: 'green' }) }, 400, 'ERR_OPTION_INVALID', 'model'],
    ['several maps', '?target=top3', { body: cat }, 400, 'ERR_OPTION_INVALID', 'top3'],
    ['an unknown class', '?target=catt', { body: cat }, 400, 'ERR_TARGET_UNKNOWN', 'catt'],
    ['a file as a target', '?target=graph:/etc/passwd', { body: cat }, 400, 'ERR_TARGET_UNKNOWN', 'graph'],
    ['a class that is not there', '?target=2', { body: cat }, 400, 'ERR_TARGET_RANGE', '2 classes'],
    ['an unknown layer', '?layer=nowhere', { body: cat }, 400, 'ERR_LAYER_NOT_FOUND', 'nowhere'],
    ['no picture', '', {}, 400, 'ERR_REQUEST', 'no picture'],
    ['a form without one', '', { body: form({ target: '0' }) }, 400, 'ERR_REQUEST', 'no picture'],
    ['a form that was cut off', '', cut, 400, 'ERR_REQUEST', 'cannot be read'],
    ['a form that is none', '', { body: 'abc', type: 'multipart/form-data' }, 400, 'ERR_REQUEST', 'cannot be read'],
    ['an address that is none', '/%', {}, 400, 'ERR_REQUEST', '%'],
    ['another model', '?model=blue', { body: cat }, 404, 'ERR_MODEL_NOT_FOUND', 'green'],
    ['another path', '/nowhere', {}, 404, 'ERR_NOT_FOUND', 'POST /explain'],
    ['answers of another kind', '', { body: cat, accept: 'text/html' }, 406, 'ERR_NOT_ACCEPTABLE', 'image/png'],
    ['a large picture', '', { body: large }, 413, 'ERR_TOO_LARGE', '300000'],
    ['a large one of unknown length', '', { body: new Blob([large]).stream() }, 413, 'ERR_TOO_LARGE', '300000'],
    [
      'a large one in a form',
      '',
      { body: form({ picture: new Blob([large.subarray(0, 310_000)]) }) },
      413,
      'ERR_TOO_LARGE',
      '300000',
    ],
    [
      'two pictures',
      '',
      { body: form({ picture: new Blob(['a']), other: new Blob(['b']) }) },
      413,
      'ERR_TOO_LARGE',
      'files',
    ],
    ['a long field', '', { body: form({ picture, target: 'a'.repeat(2000) }) }, 400, 'ERR_OPTION_INVALID', '200'],
    ['JSON', '', { body: '{}', type: 'application/json' }, 415, 'ERR_MEDIA_TYPE', 'image/'],
    ["curl's own type", '', { body: cat, type: 'application/x-www-form-urlencoded' }, 415, 'ERR_MEDIA_TYPE', 'image/'],
    ['what is no picture', '', { body: 'hello' }, 422, 'ERR_IMAGE_INVALID', 'decoded'],
    [
      'a method that is not offered',
      '?method=rise',
      { body: cat },
      422,
      'ERR_METHOD_UNSUPPORTED',
      'grad-cam, layer-cam',
    ],
  ] as const)('of %s', async (_, query, asked, status, code, text) => {
    const { url } = await shared;
    const answer = await post(url, query, asked);
    expect(answer.status).toBe(status);
    const said = await refusal(answer);
    expect(said.code).toBe(code);
    expect(said.message).toContain(text);
    // And the service goes on.
    expect((await post(url, '', { body: cat })).status).toBe(200);
    expect(await scalar(url, 'onnx_cam_held_bytes')).toBe(0);
  });

  let shared: Promise<Service>;
  beforeAll(() => {
    shared = copy.start({ models: [green], maxBody: 300_000, maxPixels: 1_000_000 }, { shared: true });
  });

  it('of pictures with more pixels than are decoded', async () => {
    const { url } = await shared;
    const body = await sharp({ create: { width: 1001, height: 1000, channels: 3, background: 'black' } })
      .png()
      .toBuffer();
    const answer = await post(url, '', { body });
    expect([answer.status, (await refusal(answer)).code]).toEqual([422, 'ERR_IMAGE_INVALID']);
  });
});

/** Of half precision. */
function halfAt(bytes: Uint8Array, index: number): number {
  const bits = bytes[2 * index]! + 256 * bytes[2 * index + 1]!;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  return exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function npyOf(bytes: Buffer) {
  expect(bytes.subarray(0, 8)).toEqual(Buffer.from('\x93NUMPY\x01\x00', 'latin1'));
  const start = 10 + bytes.readUInt16LE(8);
  expect(start % 64).toBe(0);
  const header = bytes.toString('latin1', 10, start);
  expect(header).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(\d+, \d+\), \} *\n$/);
  return { shape: [...header.matchAll(/\d+(?=[,)])/g)].map(Number), data: bytes.subarray(start) };
}

describe('statuses', () => {
  const page = readFileSync('examples/service/README.md', 'utf8');
  /** Of codes that a service cannot meet: of the command line, of measuring, of files that requests would name. */
  const ELSEWHERE = /^ERR_(USAGE|QUEUE|METRIC_UNKNOWN|TRUTH_INVALID|IMAGE_NOT_FOUND)$/;
  const guide = [...readFileSync('docs/guide.md', 'utf8').matchAll(/^\| `(ERR_\w+)` \|.*?\| (\d{3})\b.*\|.*\|$/gm)];

  it('are those of the guide', () => {
    expect(guide.length).toBeGreaterThan(20);
    for (const [, code, status] of guide) {
      if (ELSEWHERE.test(code!)) continue;
      const said = answerOf(Object.assign(new Error('a path'), { code }), 'id-1');
      expect([code, said.status]).toEqual([code, Number(status)]);
      if (said.status >= 500) expect(said.message).not.toContain('a path');
      if (said.status !== 500) expect(page).toMatch(new RegExp(`^\\| ${status}\\b.*\`${code}\``, 'm'));
    }
  });

  it('of what is no error of the library are 500, and say nothing', () => {
    for (const error of [new TypeError('a path'), Object.assign(new Error('a path'), { code: 'ENOENT' })])
      expect(answerOf(error, 'id-1')).toEqual({
        status: 500,
        code: 'ERR_INTERNAL',
        message: 'the service failed; its log says why, at id-1',
      });
  });

  it('stand beside files that are there', () => {
    for (const file of readdirSync('examples/service'))
      if (/\.js$/.test(file)) expect(page).toContain(`[${file}](${file})`);
  });
});

describe('what it is deployed with', () => {
  const readme = readFileSync('examples/service/README.md', 'utf8');
  const shown = JSON.parse(/^```json\n(.*?)^```/ms.exec(readme)![1]!);

  it('is what Kubernetes takes, and asks for what is there', async () => {
    const text = readFileSync('examples/service/kubernetes.yaml', 'utf8');
    const [deployment, service, scaler] = parseAllDocuments(text).map(one => one.toJS());
    new Deployment(deployment).validate();
    new K8sService(service).validate();
    new HorizontalPodAutoscaler(scaler).validate();

    const { url } = await startGreen();
    const { terminationGracePeriodSeconds, containers } = deployment.spec.template.spec;
    const [{ startupProbe, readinessProbe, livenessProbe }] = containers;
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe])
      expect((await fetch(url + httpGet.path)).status).toBe(200);
    const noticed = 1000 * readinessProbe.periodSeconds * readinessProbe.failureThreshold;
    expect(shown.drainDelay).toBeGreaterThan(noticed);
    expect(1000 * terminationGracePeriodSeconds).toBeGreaterThan(shown.drainDelay + shown.shutdownTimeout + 2000);
  });

  it('are configurations that it takes', () => {
    for (const config of [shown, JSON.parse(readFileSync('examples/service/service.json', 'utf8'))]) {
      const read = readConfig(join(copy.folder, copy.writeConfig(config)), {});
      expect(read).toMatchObject({ maxQueue: 32, timeout: 10_000, host: '127.0.0.1' });
      expect(read.models[0].path).toBe(join(copy.folder, config.models[0].path));
    }
    const environment = { HOST: '::1', PORT: '81', LOG_LEVEL: 'warn' };
    const read = readConfig(join(copy.folder, copy.writeConfig(shown)), environment);
    expect(read).toMatchObject({ host: '::1', port: 81, logLevel: 'warn' });
    expect(read.models[0].options.labels).toBe(join(copy.folder, 'models/birds.txt'));
    expect(() => readConfig(join(copy.folder, copy.writeConfig(shown)), { PORT: 'x' })).toThrow('port');
    const twice = { models: [green, green] };
    expect(() => readConfig(join(copy.folder, copy.writeConfig(twice)), {})).toThrow('one name');
    const many = { models: [green, { ...green, name: 'b' }], modelsInMemory: 1 };
    expect(() => readConfig(join(copy.folder, copy.writeConfig(many)), {})).toThrow('modelsInMemory');
  });
});

it('is copied with what its package.json names', () => {
  const { dependencies } = JSON.parse(readFileSync('examples/service/package.json', 'utf8'));
  const root = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const [name, range] of Object.entries(dependencies))
    expect([name, range]).toEqual([name, name === 'onnx-cam' ? `^${root.version}` : root.devDependencies[name]]);
});
