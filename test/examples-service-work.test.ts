/** The service in examples/service under load: who waits, who is refused, who has left, what is measured and logged, how it ends. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { greenModel, metricsOf, picturesOf, post, refusal, scalar, slowModel } from './helpers/ask-service.ts';
import { ServiceCopy } from './helpers/run-service.ts';

const copy = new ServiceCopy();
const { cat } = await picturesOf();
const green = { name: 'green@1', path: 'green.onnx', preload: true, methods: ['grad-cam', 'layer-cam'] };
/** RISE takes seconds. */
const slow = {
  name: 'slow@2',
  path: 'slow.onnx',
  preload: true,
  methods: ['grad-cam', 'rise'],
  options: { intraOpNumThreads: 1 },
};

beforeAll(() => {
  writeFileSync(join(copy.folder, 'green.onnx'), greenModel());
  writeFileSync(join(copy.folder, 'slow.onnx'), slowModel());
  writeFileSync(join(copy.folder, 'broken.onnx'), 'no model');
});

const inService = (url: string) => scalar(url, 'onnx_cam_in_service');
const ready = async (url: string) => {
  const answer = await fetch(`${url}/ready`);
  return [answer.status, ((await answer.json()) as { status: string }).status];
};

describe('a full queue', () => {
  it('refuses at once, without waiting for the body, and has room again when clients leave', async () => {
    const { url } = await copy.start({ models: [slow], maxQueue: 2, retryAfter: 7 });
    const clients = [new AbortController(), new AbortController()];
    const asked = clients.map(({ signal }) =>
      post(url, '?method=rise', { body: cat, signal }).catch(error => error.name),
    );
    await expect.poll(() => inService(url), { timeout: 5000 }).toBe(2);
    expect(await scalar(url, 'onnx_cam_pending')).toBe(2);
    expect(await ready(url)).toEqual([503, 'queue full']);

    const start = performance.now();
    // Nothing of the body has come yet.
    const status = await headersOnly(url, 1_000_000);
    expect(status).toMatch(/^HTTP\/1\.1 503 /);
    expect(status).toMatch(/^retry-after: 7\r$/m);
    expect(performance.now() - start).toBeLessThan(1000);
    const answer = await post(url, '', { body: cat });
    expect([answer.status, answer.headers.get('retry-after'), (await refusal(answer)).code]).toEqual([
      503,
      '7',
      'ERR_BUSY',
    ]);
    expect(await scalar(url, 'onnx_cam_refusals_total', { reason: 'queue' })).toBe(2);

    for (const client of clients) client.abort();
    expect(await Promise.all(asked)).toEqual(['AbortError', 'AbortError']);
    await expect.poll(() => inService(url), { timeout: 5000 }).toBe(0);
    expect(await ready(url)).toEqual([200, 'ready']);
    expect(await scalar(url, 'onnx_cam_http_requests_total', { route: '/explain', status: '499' })).toBe(2);
    expect(await scalar(url, 'onnx_cam_explanations_total')).toBe(0);
  });

  it('is served to its end, whoever is refused meanwhile', async () => {
    const { url, log } = await copy.start({ models: [green], maxQueue: 4 });
    const answers = await Promise.all(Array.from({ length: 60 }, () => post(url, '', { body: cat })));
    const count = (status: number) => answers.filter(answer => answer.status === status).length;
    expect(count(200) + count(503)).toBe(60);
    expect(count(200)).toBeGreaterThanOrEqual(4);
    expect(count(503)).toBeGreaterThan(0);
    expect(await scalar(url, 'onnx_cam_http_requests_total', { status: '200', route: '/explain' })).toBe(count(200));
    expect(await scalar(url, 'onnx_cam_refusals_total', { reason: 'queue' })).toBe(count(503));
    expect(log.filter(({ level }) => (level as number) >= 40)).toEqual([]);
  });
});

describe('time and bytes', () => {
  it('end work that takes too long, and uploads that are too slow, which keep nobody waiting', async () => {
    const { url } = await copy.start({ models: [slow, green], timeout: 1000 });
    const sockets = Array.from({ length: 40 }, () => slowUpload(url));
    const answer = await post(url, '?method=rise', { body: cat });
    expect([answer.status, (await refusal(answer)).code]).toEqual([504, 'ERR_ABORTED']);
    await expect.poll(() => inService(url), { timeout: 5000 }).toBe(0);
    const others = await Promise.all(Array.from({ length: 8 }, () => post(url, '?model=green@1', { body: cat })));
    expect(others.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const refused = await Promise.all(sockets);
    for (const text of refused) {
      expect(text).toMatch(/^HTTP\/1\.1 408 /);
      expect(text).toContain('"ERR_TOO_SLOW"');
    }
    expect(await scalar(url, 'onnx_cam_held_bytes')).toBe(0);
  });

  it('hold no more bodies than there is memory for', async () => {
    const { url } = await copy.start({ models: [green], maxHeld: 1_000_000 });
    const size = 600_000;
    const first = connect(Number(new URL(url).port), '127.0.0.1');
    first.write(head(size));
    first.write(Buffer.alloc(size - 1));
    await expect.poll(() => scalar(url, 'onnx_cam_held_bytes')).toBe(size - 1);
    const answer = await post(url, '', { body: Buffer.alloc(size) });
    expect([answer.status, (await refusal(answer)).code]).toEqual([503, 'ERR_BUSY']);
    expect(await scalar(url, 'onnx_cam_refusals_total', { reason: 'bytes' })).toBe(1);
    expect((await post(url, '', { body: cat })).status).toBe(200);
    first.destroy();
    await expect.poll(() => scalar(url, 'onnx_cam_held_bytes')).toBe(0);
    expect((await post(url, '', { body: Buffer.alloc(size) })).status).toBe(422);
  });

  it('take no more connections than may be', async () => {
    const { url } = await copy.start({ models: [green], maxConnections: 3 });
    const sockets = Array.from({ length: 6 }, () =>
      connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {}),
    );
    await sleep(300);
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(() => scalar(url, 'onnx_cam_refusals_total', { reason: 'connections' }).catch(() => 0))
      .toBeGreaterThanOrEqual(3);
  });
});

describe('models', () => {
  it('are loaded when they are asked for, and give place to others when nobody uses them', async () => {
    const models = [
      { ...slow, preload: false },
      { ...green, preload: false },
    ];
    const { url } = await copy.start({ models, modelsInMemory: 1, timeout: 60_000 });
    const held = async () => (await metricsOf(url)).filter(({ name }) => name === 'onnx_cam_model_info');
    expect(await ready(url)).toEqual([200, 'ready']);
    expect(await held()).toEqual([]);
    expect((await post(url, '?model=green@1', { body: cat })).status).toBe(200);
    expect(await held()).toEqual([
      {
        name: 'onnx_cam_model_info',
        value: 1,
        labels: { model: 'green@1', sha256: expect.stringMatching(/^\w{64}$/), provider: 'cpu' },
      },
    ]);
    const first = post(url, '?method=rise', { body: cat });
    await expect.poll(() => inService(url), { timeout: 5000 }).toBe(1);
    const refused = await post(url, '?model=green@1', { body: cat });
    expect([refused.status, (await refusal(refused)).message]).toEqual([503, expect.stringContaining('other models')]);
    expect((await first).status).toBe(200);
    expect((await held()).map(({ labels }) => labels.model)).toEqual(['slow@2']);
    expect((await post(url, '?model=green@1', { body: cat })).status).toBe(200);
    const listed = (await (await fetch(`${url}/models`)).json()) as { models: { name: string; loaded: boolean }[] };
    expect(listed.models.map(({ name, loaded }) => [name, loaded])).toEqual([
      ['slow@2', false],
      ['green@1', true],
    ]);
  });

  it('that are broken are told to those who run the service, and not to clients', async () => {
    const { url, log } = await copy.start({ models: [green, { name: 'broken', path: 'broken.onnx' }] });
    for (const _ of [1, 2]) {
      const answer = await post(url, '?model=broken', { body: cat, headers: { 'x-request-id': 'mine-1' } });
      expect([answer.status, answer.headers.get('x-request-id')]).toEqual([500, 'mine-1']);
      expect(await refusal(answer)).toEqual({
        code: 'ERR_INTERNAL',
        message: 'the service failed; its log says why, at mine-1',
      });
    }
    await expect.poll(() => log.filter(({ msg }) => msg === 'failed')).toHaveLength(2);
    expect(log.find(({ msg }) => msg === 'failed')).toMatchObject({
      reqId: 'mine-1',
      err: { code: 'ERR_MODEL_INVALID', message: expect.stringContaining('ONNX') },
    });
    expect(log.filter(({ msg }) => msg === 'model not loaded')).toHaveLength(1);
    expect((await post(url, '', { body: cat })).status).toBe(200);
  });

  it.each([
    ['ERR_MODEL_INVALID', { path: 'broken.onnx' }],
    ['ERR_MODEL_NOT_FOUND', { path: 'nowhere.onnx' }],
    ['ERR_METHOD_UNSUPPORTED', { methods: ['grad-cam', 'attention-rollout'] }],
    ['ERR_METHOD_UNKNOWN', { methods: ['grad-kam'] }],
    ['ERR_OPTION_INVALID', { options: { intraOpNumThread: 2 } }],
  ])('that must be there and are not end the start: %s', async (code, wrong) => {
    const child = copy.spawn(['server.js', copy.writeConfig({ models: [{ ...green, ...wrong }] })]);
    let log = '';
    child.stdout!.on('data', text => (log += text));
    expect(await new Promise(end => child.once('close', end))).toBe(1);
    expect(log).toContain(`"code":"${code}"`);
    expect(log).toContain('"msg":"ended"');
  });
});

describe('what is told', () => {
  it('to Prometheus has labels that clients do not choose', async () => {
    const { url, log } = await copy.start({ models: [green], logLevel: 'debug' });
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'alive' });
    for (const query of [
      '',
      '',
      '?method=layer-cam',
      '?target=secret-1',
      '?method=secret-2',
      '?model=secret-3',
      '/secret-4',
      '?secret-5=1',
    ])
      await (
        await post(url, query, { body: cat, headers: { authorization: 'Bearer secret-6', 'x-request-id': 'secret 7' } })
      ).arrayBuffer();
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).not.toContain('secret');
    const sum = (name: string, labels = {}) => scalar(url, `onnx_cam_${name}`, labels);
    expect(await sum('http_requests_total', { route: '/explain', status: '200' })).toBe(3);
    expect(await sum('http_requests_total', { route: '/explain', status: '400' })).toBe(2);
    expect(await sum('http_requests_total', { route: 'none', status: '404' })).toBe(1);
    expect(await sum('http_request_duration_seconds_count', { route: '/explain', status: '200' })).toBe(3);
    expect(await sum('explanations_total', { model: 'green@1', method: 'grad-cam', status: 'ok' })).toBe(2);
    expect(await sum('explanations_total', { method: 'layer-cam' })).toBe(1);
    for (const stage of ['waiting', 'preprocess', 'model', 'method', 'postprocess', 'answer'])
      expect(await sum('stage_duration_seconds_count', { model: 'green@1', stage })).toBe(3);
    const [whole, parts] = [
      await sum('http_request_duration_seconds_sum', { status: '200', route: '/explain' }),
      await sum('stage_duration_seconds_sum'),
    ];
    expect(parts).toBeGreaterThan(0);
    expect(parts).toBeLessThanOrEqual(whole);
    expect(await sum('max_queue')).toBe(32);
    expect(await scalar(url, 'process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect((await metricsOf(url)).some(({ name }) => name === 'nodejs_eventloop_lag_seconds')).toBe(true);

    // The log: a line for each request, with the method and the path that it was served by.
    const lines = log.filter(({ msg, route }) => msg === 'request' && (route === '/explain' || route === 'none'));
    expect(lines.map(({ status }) => status)).toEqual([200, 200, 200, 400, 422, 404, 404, 400]);
    expect(new Set(lines.map(({ reqId }) => reqId)).size).toBe(8);
    expect(lines[0]).toMatchObject({ method: 'POST', route: '/explain', model: 'green@1', ms: expect.any(Number) });
    expect(JSON.stringify(log)).not.toContain('secret');
  });

  it('of a configuration that is wrong is all of it', () => {
    const file = copy.writeConfig({ models: [{ ...green, nmae: 1 }], maxQueu: 1, timeout: 0 });
    const { status, stderr } = spawnSync(process.execPath, ['server.js', file], { cwd: copy.folder, encoding: 'utf8' });
    expect(status).toBe(1);
    for (const text of [file, 'nmae', 'maxQueu', 'timeout']) expect(stderr).toContain(text);
  });
});

describe('SIGTERM', () => {
  it('lets everybody finish, says that it is not ready meanwhile, and ends with 0', async () => {
    const { url, child, ended, log } = await copy.start({ models: [slow], drainDelay: 500, timeout: 60_000 });
    // Load balancers and browsers open connections that they may never use.
    const unused = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    const asked = Array.from({ length: 2 }, () => post(url, '?method=rise', { body: cat }));
    await expect.poll(() => inService(url), { timeout: 5000 }).toBe(2);
    child.kill('SIGTERM');
    await expect.poll(() => ready(url), { timeout: 5000 }).toEqual([503, 'shutting down']);
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    for (const answer of answers) expect(((await answer.json()) as { status: string }).status).toBe('ok');
    const last = performance.now();
    expect(await ended).toBe(0);
    expect(performance.now() - last).toBeLessThan(5000);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    expect(log.at(-1)!.msg).toBe('ended');
    unused.destroy();
  });

  it('gives up what is in work when its time is over', async () => {
    const { url, child, ended } = await copy.start({ models: [slow], shutdownTimeout: 200, timeout: 60_000 });
    const upload = slowUpload(url);
    const asked = Array.from({ length: 12 }, () => post(url, '?method=rise', { body: cat }));
    await expect.poll(() => inService(url), { timeout: 5000 }).toBe(12);
    const start = performance.now();
    child.kill('SIGTERM');
    const answers = await Promise.allSettled(asked);
    const statuses = answers.map(one => (one.status === 'fulfilled' ? one.value.status : 0));
    // Unless they were done by then.
    expect(statuses.filter(status => status !== 200)).toEqual(
      Array(12)
        .fill(503)
        .slice(statuses.filter(one => one === 200).length),
    );
    expect(statuses.filter(status => status === 503).length).toBeGreaterThan(8);
    await upload;
    expect(await ended).toBe(0);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

it('load.js prints its table', async () => {
  const { url } = await copy.start({ models: [green], maxQueue: 2 });
  const args = ['--url', url, '--seconds', '1', '--levels', '1,6', '--soak', '30'];
  const child = copy.spawn(['load.js', ...args]);
  let text = '';
  child.stdout!.on('data', part => (text += part));
  expect(await new Promise(end => child.once('close', end))).toBe(0);
  const rows = text.split('\n').filter(line => line.startsWith('| '));
  expect(rows.map(row => row.split(' | ').length)).toEqual(Array(7).fill(10));
  expect(rows.map(row => row.split(' | ')[0])).toContain('| 6 clients');
  expect(text).toMatch(
    /were free again after \d\.\d s\.\nResident memory before and after 30 pictures: \d+ and \d+ MiB\.\n$/,
  );
});

function head(length: number): string {
  return `POST /explain HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: ${length}\r\n\r\n`;
}

/** @returns what is answered to a request whose body does not come */
async function headersOnly(url: string, length: number): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(head(length));
  const text = await new Promise<string>(data => socket.once('data', bytes => data(bytes.toString())));
  socket.destroy();
  return text;
}

/** Sends a byte now and then. @returns all that is answered */
function slowUpload(url: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(head(1000));
  const timer = setInterval(() => socket.writable && socket.write('a'), 100);
  let text = '';
  socket.on('data', bytes => (text += bytes)).on('error', () => {});
  return new Promise(end =>
    socket.on('close', () => {
      clearInterval(timer);
      end(text);
    }),
  );
}
