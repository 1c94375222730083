import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { load } from '../../lib/index.ts';
import { fromHalf } from '../../lib/report/half.ts';
import type { ExplanationEvent, ServedExplanation } from '../../lib/serve/api.ts';
import { residualModel } from '../helpers/small-models.ts';
import { BUNDLED, CAT, type Client, errorOf, eventsOf, given, serve, until } from './harness.ts';

const net = (name = 'net.onnx') => ({ name, data: residualModel() });
/** Takes far longer than any test. */
const SLOW = 'rise';

async function ready(client: Client) {
  const [model] = (await client.state()).models;
  const picture = await client.addPicture();
  return { model: model!.id, picture: picture.id };
}

const resultOf = (events: readonly ExplanationEvent[]): ServedExplanation => {
  const last = events.at(-1)!;
  if (last.type !== 'result') throw new Error(JSON.stringify(last));
  return last;
};

test('a result is what the library gives', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const result = resultOf(await client.explain({ ...asked, method: 'grad-cam' }));
  await using cam = await load(BUNDLED);
  const own = await cam.explain(CAT, { mapSize: 'layer' });
  expect(result.predictions).toEqual(
    own.predictions.map(({ index, label, probability }) => ({ index, label, probability })),
  );
  expect(result.maker).toEqual({
    method: 'grad-cam',
    layer: '/head_act/Clip_output_0',
    convention: 'paper',
    params: '',
    technique: '',
    control: false,
  });
  const { index, label, probability, score, kind } = own.target;
  expect(result.results).toEqual([
    {
      maker: 0,
      target: { index, label, probability, score, kind },
      status: 'ok',
      reason: null,
      warnings: [],
      layer: '/head_act/Clip_output_0',
      map: 0,
      metrics: {},
    },
  ]);
  const [map] = result.maps;
  expect(map).toMatchObject({ width: 7, height: 7, type: 'float16' });
  const bytes = Buffer.from(map!.data, 'base64');
  const values = fromHalf(Uint16Array.from({ length: 49 }, (_, i) => bytes.readUInt16LE(2 * i)));
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(own.map.data[i]!, 2);
  expect(result.milliseconds).toBeGreaterThan(0);
});

test('several targets, another layer, a technique, a seed', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const top = resultOf(await client.explain({ ...asked, method: 'grad-cam', target: 'top3', layer: '-2' }));
  expect(top.results.map(({ target }) => target.label)).toEqual(['Egyptian cat', 'tiger cat', 'tabby']);
  expect(top.maps).toHaveLength(3);
  const listed = resultOf(await client.explain({ ...asked, method: 'gradcam++', target: '281, 282' }));
  expect(listed.results.map(({ target }) => target.index)).toEqual([281, 282]);
  expect(listed.maker.method).toBe('grad-cam++');
  const contrast = resultOf(await client.explain({ ...asked, method: 'grad-cam', target: 'contrast:281,282' }));
  expect(contrast.results[0]!.target.kind).toBe('contrast:281,282');
  const smooth = { ...asked, method: 'grad-cam', technique: 'smoothgrad', seed: 7 };
  const [a, b] = [resultOf(await client.explain(smooth)), resultOf(await client.explain({ ...smooth, seed: 8 }))];
  expect(a.maker).toMatchObject({ technique: 'smooth-grad', params: '{"seed":7}' });
  expect(a.maps[0]!.data).not.toBe(b.maps[0]!.data);
  expect(resultOf(await client.explain(smooth)).maps[0]!.data).toBe(a.maps[0]!.data);
});

test('what an explanation meets is its last line', async () => {
  const client = await serve();
  const model = await client.addModel(net());
  const picture = await client.addPicture();
  const asked = { model: model.id, picture: picture.id };
  const last = async (more: object) => (await client.explain({ ...asked, method: 'grad-cam', ...more })).at(-1);
  expect(await last({ target: '99' })).toMatchObject({ type: 'error', code: 'ERR_TARGET_RANGE' });
  expect(await last({ target: 'tabby' })).toMatchObject({ type: 'error', code: 'ERR_TARGET_UNKNOWN' });
  expect(await last({ layer: 'nothing' })).toMatchObject({ type: 'error', code: 'ERR_LAYER_NOT_FOUND' });
  expect(await last({ method: 'attention-rollout' })).toMatchObject({ type: 'error', code: 'ERR_METHOD_UNSUPPORTED' });
  expect(await last({})).toMatchObject({ type: 'result' });
});

test.each([
  ['no object', [1], 422, /JSON object/],
  ['another name', { method: 'grad-cam', inputs: 'x=/etc/passwd' }, 422, /no 'inputs'/],
  ['no method', {}, 422, /`method` is missing/],
  ['an unknown method', { method: 'grad-camm' }, 422, /did you mean cam, grad-cam/],
  ['all methods', { method: 'all' }, 422, /method/],
  ['an unknown technique', { method: 'grad-cam', technique: 'sharpen' }, 422, /sharpen/],
  ['a number as target', { method: 'grad-cam', target: 281 }, 422, /`target` is a text/],
  ['a long layer', { method: 'grad-cam', layer: 'x'.repeat(5000) }, 422, /`layer` is a text/],
  ['half a seed', { method: 'grad-cam', seed: 0.5 }, 422, /`seed` is a whole number/],
  [
    'a picture of the server as target',
    { method: 'grad-cam', target: 'similarity:/etc/passwd' },
    422,
    /similarity targets read a file/,
  ],
  [
    'a graph of the server',
    { method: 'grad-cam', target: 'negative:probability:graph:/etc/x.onnx' },
    422,
    /graph targets read a file/,
  ],
  [
    'one inside another',
    { method: 'grad-cam', target: 'contrast:281,similarity:a.png' },
    422,
    /similarity targets read a file/,
  ],
  ['one of an output', { method: 'grad-cam', target: 'output=y:graph:a.onnx' }, 422, /graph targets read a file/],
  ['half a contrast', { method: 'grad-cam', target: 'contrast:281' }, 422, /two targets/],
  ['an unknown model', { method: 'grad-cam', model: 'none' }, 404, /there is no model of this id/],
  ['an unknown picture', { method: 'grad-cam', picture: 'none' }, 404, /there is no picture of this id/],
])('a request with %s is refused', async (_, more, status, message) => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const body = Array.isArray(more) ? more : { ...asked, ...more };
  const error = await errorOf(await client.ask(body));
  expect(error).toMatchObject({ status, message: expect.stringMatching(message) });
});

test('requests that are no JSON, or too long', async () => {
  const client = await serve();
  const ask = (body: string, type = 'application/json') =>
    client.fetch('/api/explanations', { method: 'POST', body, headers: { 'content-type': type } });
  expect(await errorOf(await ask('{'))).toMatchObject({ status: 400, code: 'ERR_USAGE' });
  expect(await errorOf(await ask(`"${'x'.repeat(100_000)}"`))).toMatchObject({ status: 413, code: 'ERR_USAGE' });
  expect(await errorOf(await ask('model=x', 'application/x-www-form-urlencoded'))).toMatchObject({
    status: 415,
    code: 'ERR_USAGE',
  });
  expect(await errorOf(await ask(''))).toMatchObject({ status: 400, code: 'ERR_USAGE' });
});

test('who asks later waits, and hears how many come first', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const first = new AbortController();
  const working = client.ask({ ...asked, method: SLOW }, first.signal);
  const begun = eventsOf(await working)[Symbol.asyncIterator]();
  expect((await begun.next()).value).toMatchObject({ type: 'progress' });
  const heard: string[] = [];
  const ask = async (name: string) => {
    const events = await client.explain({ ...asked, method: 'grad-cam' }, event => {
      heard.push(event.type === 'waiting' ? `${name} waits for ${event.before}` : `${name} ${event.type}`);
    });
    return events.at(-1)!.type;
  };
  const second = ask('second');
  await until(() => heard.includes('second waits for 1'));
  const left = new AbortController();
  const leaving = eventsOf(await client.ask({ ...asked, method: 'grad-cam' }, left.signal))[Symbol.asyncIterator]();
  expect((await leaving.next()).value).toEqual({ type: 'waiting', before: 2 });
  const fourth = ask('fourth');
  await until(() => heard.includes('fourth waits for 3'));
  // Who leaves the queue lets others move up, and nobody hears of an error.
  left.abort();
  await until(() => heard.includes('fourth waits for 2'));
  expect(heard.filter(line => line.startsWith('second'))).toEqual(['second waits for 1']);
  // The model is free at once.
  const start = performance.now();
  first.abort();
  expect(await Promise.all([second, fourth])).toEqual(['result', 'result']);
  expect(performance.now() - start).toBeLessThan(3000);
  expect(heard.indexOf('second result')).toBeLessThan(heard.indexOf('fourth result'));
  expect(heard.filter(line => line.includes('error'))).toEqual([]);
});

test('two models work at the same time', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const other = await client.addModel(net());
  const stop = new AbortController();
  const slow = eventsOf(await client.ask({ ...asked, method: SLOW }, stop.signal))[Symbol.asyncIterator]();
  expect((await slow.next()).value).toMatchObject({ type: 'progress' });
  const events = await client.explain({ ...asked, model: other.id, method: 'grad-cam' });
  expect(events.map(({ type }) => type)).not.toContain('waiting');
  expect(events.at(-1)).toMatchObject({ type: 'result' });
  expect((await slow.next()).value).toMatchObject({ type: 'progress' });
  stop.abort();
});

test('progress comes at most ten times a second', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const start = performance.now();
  const events = await client.explain({ ...asked, method: 'score-cam' });
  const steps = events.filter(({ type }) => type === 'progress');
  expect(steps.length).toBeGreaterThan(1);
  expect(steps.length).toBeLessThanOrEqual((performance.now() - start) / 100 + 2);
  const done = steps.map(step => (step as { done: number }).done);
  expect(done).toEqual([...done].sort((a, b) => a - b));
});

test('beyond what may wait, requests are told to come back', async () => {
  const client = await serve({ model: given(BUNDLED), limits: { waiting: 2 } });
  const asked = await ready(client);
  const stop = new AbortController();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => client.ask({ ...asked, method: SLOW }, stop.signal)),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter(status => status === 200)).toHaveLength(3);
  const refused = answers.find(({ status }) => status !== 200)!;
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await errorOf(refused)).toEqual({
    status: 503,
    code: 'ERR_BUSY',
    message: '2 explanations wait for this model already: try again in a while',
  });
  stop.abort();
  await until(async () => (await client.ask({ ...asked, method: 'grad-cam' })).status === 200);
});

test('twenty at once are answered one after the other', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const all = await Promise.all(Array.from({ length: 20 }, () => client.explain({ ...asked, method: 'grad-cam' })));
  const maps = all.map(events => resultOf(events).maps[0]!.data);
  expect(new Set(maps).size).toBe(1);
});

test('a model that is removed ends what is made of it', async () => {
  const client = await serve();
  const { id: model } = await client.addModel(BUNDLED, `${BUNDLED}.json`);
  const { id: picture } = await client.addPicture();
  const asked = { model, picture };
  const running: string[] = [];
  const working = client.explain({ ...asked, method: SLOW }, ({ type }) => running.push(type));
  await until(() => running.includes('progress'));
  const waits: string[] = [];
  const waiting = client.explain({ ...asked, method: 'grad-cam' }, ({ type }) => waits.push(type));
  await until(() => waits.includes('waiting'));
  const start = performance.now();
  expect((await client.fetch(`/api/models/${model}`, { method: 'DELETE' })).status).toBe(204);
  const gone = { type: 'error', code: 'ERR_DISPOSED', message: 'the model efficientnet-lite0.onnx was removed' };
  expect((await working).at(-1)).toEqual(gone);
  expect((await waiting).at(-1)).toEqual(gone);
  expect(performance.now() - start).toBeLessThan(3000);
  expect(readdirSync(client.server.folder)).toHaveLength(1);
});

test('a picture that is removed while it waits is told so', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const stop = new AbortController();
  const slow = eventsOf(await client.ask({ ...asked, method: SLOW }, stop.signal))[Symbol.asyncIterator]();
  await slow.next();
  const other = await client.addPicture('assets/pictures/coffee.jpg');
  const waits: string[] = [];
  const waiting = client.explain({ ...asked, picture: other.id, method: 'grad-cam' }, ({ type }) => waits.push(type));
  await until(() => waits.includes('waiting'));
  await client.fetch(`/api/pictures/${other.id}`, { method: 'DELETE' });
  stop.abort();
  expect((await waiting).at(-1)).toMatchObject({
    type: 'error',
    code: 'ERR_IMAGE_NOT_FOUND',
    message: /coffee\.jpg was removed/,
  });
});

test('closing ends work at once', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const asked = await ready(client);
  const running: string[] = [];
  const working = client.explain({ ...asked, method: SLOW }, ({ type }) => running.push(type)).catch(error => error);
  await until(() => running.includes('progress'));
  const { folder } = client.server;
  const start = performance.now();
  await client.server.close();
  expect(performance.now() - start).toBeLessThan(1500);
  expect(await working).toBeInstanceOf(Error);
  expect(existsSync(folder)).toBe(false);
});
