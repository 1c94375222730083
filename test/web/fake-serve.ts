import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import type {
  ExplanationEvent,
  ExplanationRequest,
  ServedExplanation,
  ServedMethod,
  ServedModel,
  ServedPicture,
} from '../../lib/serve/api.ts';
import { float16, HOSTILE } from './sample-report.ts';

// A server that answers as `onnx-cam serve` does (lib/serve/api.ts), at once or as a test wants it to.

export interface FakeServe {
  readonly url: string;
  readonly models: ServedModel[];
  readonly pictures: ServedPicture[];
  /** What was asked for, in order. */
  readonly asked: ExplanationRequest[];
  /** Requests that the page gave up before their answer was whole. */
  stopped: number;
  /** How explanations are answered; default: at once. */
  explain: Explain;
  /** Bytes of one upload. */
  limits: { model: number; picture: number };
  /** What uploads wait for before they are answered. */
  beforeUpload: () => Promise<void>;
  /** Names of the files of each upload. */
  readonly uploads: string[][];
  close(): Promise<void>;
}

type Send = (event: ExplanationEvent) => void;
export type Explain = (request: ExplanationRequest, send: Send) => Promise<void> | void;

const TOKEN = 'a-token';
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data: blob:; base-uri 'none'; form-action 'none'";

export async function fakeServe(port = 0): Promise<FakeServe> {
  const built = (name: string) => readFile(new URL(`../../dist/web/${name}`, import.meta.url));
  const files = new Map([
    ['/page.js', { type: 'text/javascript', body: await built('page.js') }],
    ['/page.css', { type: 'text/css', body: await built('page.css') }],
    ['/', { type: 'text/html', body: Buffer.from(PAGE) }],
  ]);
  const server = createServer((request, response) => {
    answer(request, response).catch(error => {
      if (!response.headersSent) fail(response, 500, 'ERR_RUNTIME', String(error));
      else response.destroy();
    });
  });
  let ids = 0;
  const fake: FakeServe = {
    url: '',
    models: [],
    pictures: [],
    asked: [],
    stopped: 0,
    explain: (request, send) => send(explanationOf(request)),
    limits: { model: 1e9, picture: 1e7 },
    beforeUpload: async () => {},
    uploads: [],
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url!, 'http://127.0.0.1');
    const file = files.get(pathname);
    if (file) {
      response.setHeader('content-type', file.type);
      response.setHeader('content-security-policy', POLICY);
      response.end(file.body);
      return;
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return fail(response, 401, 'ERR_USAGE', 'the token is missing or wrong');
    const [, , kind, id] = pathname.split('/');
    if (kind === 'state') return json(response, stateOf(fake));
    if (kind === 'explanations') return explain(request, response);
    const list: { id: string }[] = kind === 'models' ? fake.models : fake.pictures;
    if (request.method === 'DELETE') {
      const place = list.findIndex(one => one.id === id);
      if (place < 0) return fail(response, 404, 'ERR_USAGE', `there is no ${id}`);
      list.splice(place, 1);
      return json(response, {});
    }
    const [first, ...others] = await filesOf(request);
    fake.uploads.push([first!, ...others].map(({ name }) => name));
    await fake.beforeUpload();
    const bytes = Buffer.from(await first!.arrayBuffer());
    const added =
      kind === 'models'
        ? fakeModel(`m${ids++}`, first!.name)
        : await fakePicture(`p${ids++}`, first!.name, bytes).catch(() => null);
    if (bytes.subarray(0, 3).toString() === 'bad' || !added)
      return fail(
        response,
        422,
        kind === 'models' ? 'ERR_MODEL_INVALID' : 'ERR_IMAGE_INVALID',
        `${first!.name} is none`,
      );
    list.push(added);
    json(response, added);
  }

  async function explain(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wanted = JSON.parse(Buffer.concat(await request.toArray()).toString()) as ExplanationRequest;
    fake.asked.push(wanted);
    response.setHeader('content-type', 'application/x-ndjson');
    response.on('close', () => {
      if (!response.writableEnded) fake.stopped++;
    });
    await fake.explain(wanted, event => response.write(`${JSON.stringify(event)}\n`));
    response.end();
  }

  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  return Object.assign(fake, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=${TOKEN}` });
}

const PAGE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>onnx-cam</title><link rel="icon" href="data:,"><link rel="stylesheet" href="page.css"></head><body><div id="app"></div><script src="page.js"></script></body></html>';

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  response.statusCode = status;
  json(response, { code, message });
}

async function filesOf(request: IncomingMessage): Promise<File[]> {
  const body = Buffer.concat(await request.toArray());
  const form = await new Response(body, { headers: { 'content-type': request.headers['content-type']! } }).formData();
  return [...form.values()].filter(value => value instanceof File) as File[];
}

const stateOf = ({ models, pictures, limits }: FakeServe) => ({
  version: '0.1.0',
  limits,
  models,
  pictures,
  techniques: [
    { name: 'smooth-grad', title: 'SmoothGrad' },
    { name: 'augmentation', title: 'Augmentation' },
  ],
});

const METHODS: readonly ServedMethod[] = [
  { name: 'grad-cam', title: 'Grad-CAM', family: 'gradients', cost: '1F + 1B', refused: null },
  { name: 'layer-cam', title: 'LayerCAM', family: 'gradients', cost: '1F + 1B', refused: null },
  { name: 'score-cam', title: 'Score-CAM', family: 'scores', cost: '1F + C·F', refused: null },
  {
    name: 'attention-rollout',
    title: 'Attention Rollout',
    family: 'attention',
    cost: '1F',
    refused: `no attention ${HOSTILE}`,
  },
];

export const LABELS = ['tench', 'tabby', 'crane', 'crane', HOSTILE];

export function fakeModel(id: string, name: string): ServedModel {
  return {
    id,
    name,
    layers: [
      { name: 'features.3', operator: 'Conv', shape: [1, 24, 56, 56], chosen: false, reason: null },
      {
        name: 'features.12',
        operator: 'Conv',
        shape: [1, 1280, 7, 7],
        chosen: true,
        reason: 'the last one with positions',
      },
    ],
    methods: METHODS,
    labels: LABELS,
  };
}

export async function fakePicture(id: string, name: string, bytes: Uint8Array): Promise<ServedPicture> {
  const { width, height } = await sharp(bytes).metadata();
  const { data, info } = await sharp(bytes)
    .resize(384, 384, { fit: 'inside' })
    .webp()
    .toBuffer({ resolveWithObject: true });
  const picture = { type: 'image/webp', data: data.toString('base64'), width: info.width, height: info.height };
  return { id, name, width, height, picture };
}

/** A map whose bright place is another for each method and class. */
export function explanationOf({
  model,
  picture,
  method,
  layer,
  target = 'top1',
  technique = '',
}: ExplanationRequest): ServedExplanation {
  const targets =
    target === 'top3' ? [1, 0, 4] : [target === 'top1' ? 1 : Math.max(0, LABELS.indexOf(target), Number(target) || 0)];
  return {
    type: 'result',
    predictions: [1, 0, 4].map((index, place) => ({ index, label: LABELS[index]!, probability: 0.6 / (1 + place) })),
    maker: { method, layer: layer ?? 'features.12', convention: 'paper', params: '', technique, control: false },
    results: targets.map((index, map) => ({
      maker: 0,
      target: { index, label: LABELS[index]!, probability: 0.5, score: 3 - index, kind: 'class' },
      status: 'ok',
      reason: null,
      warnings: [0],
      layer: layer ?? 'features.12',
      map,
      metrics: {},
    })),
    maps: targets.map(index => mapAt((index * 5 + method.length * 3) % 49)),
    warnings: [`the preprocessing was guessed ${HOSTILE}`],
    milliseconds: 37,
    command: `onnx-cam explain ${model} ${picture} -m ${method} -t ${target}`,
    program: `const cam = await load('${model}');\nawait cam.explain('${picture}', { method: '${method}' });\n`,
  };
}

function mapAt(place: number) {
  const [cx, cy] = [place % 7, Math.floor(place / 7)];
  const values = Array.from({ length: 49 }, (_, i) =>
    Math.exp(-(((i % 7) - cx) ** 2 + (Math.floor(i / 7) - cy) ** 2) / 4),
  );
  const axis = { scale: 7, offset: 0 };
  return {
    width: 7,
    height: 7,
    type: 'float16' as const,
    data: float16(values),
    x: axis,
    y: axis,
    shown: [0, 0, 1, 1] as const,
  };
}
