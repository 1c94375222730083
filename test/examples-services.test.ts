/** Programs in examples/ for services, long work, videos, comparisons and embeddings. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { pooledColours } from './helpers/pooled-colours.ts';
import { runExample, scratchFolder, startExample } from './helpers/run-example.ts';

const picture = (name: string) => resolve('assets/pictures', name);

interface Answer {
  readonly target: { readonly label: string };
  readonly status: string;
  readonly boxes: readonly unknown[];
}

describe('http-endpoint.js', () => {
  async function open() {
    const [, port] = /listening on port (\d+)/.exec(await startExample('http-endpoint.js', [0]))!;
    const cat = readFileSync(picture('cat.png'));
    return {
      cat,
      post: (query: string, init: RequestInit) =>
        fetch(`http://127.0.0.1:${port}/${query}`, { method: 'POST', ...init }),
    };
  }

  it('answers with JSON, or with the overlay', async () => {
    const { cat, post } = await open();
    const json = await post('', { body: cat });
    expect(json.status).toBe(200);
    expect(json.headers.get('content-type')).toBe('application/json');
    const { target, status, boxes } = (await json.json()) as Answer;
    expect([target.label, status, boxes.length]).toEqual(['Egyptian cat', 'ok', 1]);
    const other = (await (await post('?target=tiger+cat', { body: cat })).json()) as Answer;
    expect(other.target.label).toBe('tiger cat');
    const overlay = await post('?overlay&target=285', { body: cat });
    expect(overlay.headers.get('content-type')).toBe('image/jpeg');
    expect(await sharp(await overlay.arrayBuffer()).metadata()).toMatchObject({
      format: 'jpeg',
      width: 451,
      height: 300,
    });
  });

  it('says whose fault it is', async () => {
    const { cat, post } = await open();
    const bad = await post('', { body: 'no picture' });
    expect([bad.status, ((await bad.json()) as { code: string }).code]).toEqual([400, 'ERR_IMAGE_INVALID']);
    expect((await post('?target=no+such+class', { body: cat })).status).toBe(400);
    expect((await post('?target=1000', { body: cat })).status).toBe(400);
    // Of unknown length.
    const stream = new Blob([cat]).stream();
    expect((await post('', { body: stream, duplex: 'half' } as RequestInit)).status).toBe(413);
  });

  it('refuses what it has no time for, and goes on when clients leave', async () => {
    const { cat, post } = await open();
    const answers = await Promise.all(Array.from({ length: 40 }, () => post('', { body: cat })));
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(statuses.filter(status => status === 200).length).toBeGreaterThanOrEqual(8);
    const busy = answers.find(({ status }) => status === 503)!;
    expect(busy.headers.get('retry-after')).toBe('1');
    expect(((await busy.json()) as { code: string }).code).toBe('ERR_BUSY');

    const left = Array.from({ length: 8 }, () =>
      post('', { body: cat, signal: AbortSignal.timeout(20) }).catch(() => null),
    );
    await Promise.all(left);
    await expect.poll(async () => (await post('', { body: cat })).status, { timeout: 20_000 }).toBe(200);
  });
});

describe('progress-bar.js', () => {
  it('draws one bar up to the end on a terminal', async () => {
    const out = join(scratchFolder(), 'maps');
    const terminal = ['--import', 'data:text/javascript,process.stderr.isTTY=true'];
    const args = [resolve('assets/pictures'), out, 'faster-score-cam'];
    const { code, stdout, stderr } = await runExample('progress-bar.js', args, { nodeArgs: terminal });
    expect([code, stdout]).toEqual([0, `3 maps in ${out}\n`]);
    const bars = [...stderr.matchAll(/\r(█+)(·*) (\d) of 3, \d+ s left /g)];
    expect(bars.map(([, full, rest, done]) => [full!.length, rest!.length, done])).toEqual([
      [13, 27, '1'],
      [27, 13, '2'],
      [40, 0, '3'],
    ]);
    expect(stderr.endsWith('3 of 3, 0 s left \n')).toBe(true);
    expect(readdirSync(out).sort()).toEqual(['cat.png.jpg', 'coffee.jpg.jpg', 'rocket.jpg.jpg']);
  });

  it('draws none elsewhere', async () => {
    const args = [resolve('assets/pictures'), scratchFolder(), 'grad-cam'];
    const { code, stderr } = await runExample('progress-bar.js', args);
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('compare-models.js', () => {
  it('finds half precision to look at the same things', async () => {
    const { code, stdout } = await runExample('compare-models.js', []);
    expect(code).toBe(0);
    const alike = [...stdout.matchAll(/maps of .+ correlate by (\S+)/g)].map(([, value]) => Number(value));
    expect(alike).toHaveLength(3);
    for (const value of alike) expect(value).toBeGreaterThan(0.98);
    expect(stdout).toContain('predicts: Egyptian cat');
    expect(stdout).toMatch(/the models look at the same things\n$/);
  });

  it('finds a model that looks elsewhere', async () => {
    const folder = scratchFolder();
    const [model, other] = ['one.onnx', 'other.onnx'].map(name => join(folder, name));
    writeFileSync(model!, colourModel([0, 1, 0]));
    writeFileSync(other!, colourModel([0, -1, 0]));
    const halves = join(folder, 'halves.png');
    await greenLeft(halves);
    const { code, stdout } = await runExample('compare-models.js', [model, other, halves]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/the models look at different things\n$/);
  });
});

describe('video-frames.js', () => {
  it('draws over every frame, each frame by the same colours', async () => {
    const out = join(scratchFolder(), 'overlay.gif');
    const { code, stdout } = await runExample('video-frames.js', ['', out]);
    expect([code, stdout]).toEqual([0, `${out}: 4 frames, Egyptian cat\n`]);
    const { pages, width, pageHeight, delay } = await sharp(out, { animated: true }).metadata();
    expect({ pages, width, pageHeight, delay }).toEqual({
      pages: 4,
      width: 240,
      pageHeight: 260,
      delay: [200, 200, 200, 200],
    });

    // Two frames, of which the second shows half as much: its colours reach half as far.
    const folder = scratchFolder();
    const model = join(folder, 'green.onnx');
    writeFileSync(model, colourModel([0, 1, 0]));
    const shades = await Promise.all([255, 160].map(green => greenLeft(undefined, green)));
    const video = join(folder, 'in.webp');
    await sharp(shades, { join: { animated: true } })
      .webp({ lossless: true, delay: [100, 100] })
      .toFile(video);
    const overlays = join(folder, 'out.gif');
    expect((await runExample('video-frames.js', [video, overlays, model])).code).toBe(0);
    const [bright, dim] = await Promise.all([0, 1].map(page => colourAt(overlays, 4, page)));
    expect(bright!.red).toBeGreaterThan(50);
    expect(dim!.red).toBeLessThan(bright!.red - 20);
  });
});

describe('clip-similarity.js', () => {
  it('shows where a vector is in a picture', async () => {
    const folder = scratchFolder();
    const [encoder, text, halves, out] = ['encoder.onnx', 'text.npy', 'halves.png', 'out.png'].map(name =>
      join(folder, name),
    );
    writeFileSync(encoder!, colourModel([0, 1, 0]));
    writeFileSync(text!, npy([1, 0, 0]));
    await greenLeft(halves);
    const { code, stdout } = await runExample('clip-similarity.js', [encoder, text, halves, out]);
    expect(code).toBe(0);
    const [, cosine] = /^cosine (-?\d\.\d{3}), .*out\.png\n$/.exec(stdout)!;
    expect(Number(cosine)).toBeGreaterThan(0.5);
    expect((await colourAt(out!, 4)).red).toBeGreaterThan(50);
    expect((await colourAt(out!, 12)).red).toBeLessThan(20);
  });

  it('says how it is called', async () => {
    const { code, stderr } = await runExample('clip-similarity.js', []);
    expect(code).toBe(1);
    expect(stderr).toContain('usage: node examples/clip-similarity.js');
  });
});

/** Three values [N, 3] for pictures of 16 × 16: how much of a colour there is, how much it lacks, and a little of everything. */
function colourModel(colour: readonly [number, number, number]) {
  const lack = colour.map(value => -value);
  return pooledColours({ weights: [...colour, ...lack, 0.1, 0.1, 0.1], side: 16 });
}

/** 16 × 16, green on the left, black on the right; a file, or its bytes. */
async function greenLeft(file?: string, green = 255): Promise<Buffer> {
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'black' } })
    .composite([
      {
        input: { create: { width: 8, height: 16, channels: 3, background: { r: 0, g: green, b: 0 } } },
        left: 0,
        top: 0,
      },
    ])
    .png()
    .toBuffer();
  if (file) writeFileSync(file, bytes);
  return bytes;
}

async function colourAt(file: string, x: number, page = 0): Promise<{ red: number; green: number; blue: number }> {
  const { data, info } = await sharp(file, { page }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const [red, green, blue] = data.subarray(3 * (8 * info.width + x)) as unknown as [number, number, number];
  return { red, green, blue };
}

/** As `numpy.save` writes a vector of float32. */
function npy(values: readonly number[]): Buffer {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${values.length},), }`.padEnd(117).concat('\n');
  const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${header}`, 'latin1');
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(Float32Array.from(values).buffer)]);
}
