import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { expandInputs } from '../../lib/cli/inputs/inputs.ts';
import * as library from '../../lib/index.ts';
import { runHere } from '../cli/harness.ts';
import { explain, mapOf, prepareRemoteRun } from './remote-run.ts';
import { BUCKET, s3Server } from './s3-server.ts';

let picture: Buffer;
let array: Buffer;

beforeEach(async () => {
  ({ picture, array } = await prepareRemoteRun());
});

describe('pictures on S3', () => {
  it('go from there to there, and are not done again', async () => {
    const server = await s3Server();
    for (const key of ['in/b.png', 'in/sub/a & b.png', 'in/two.npy', 'in/notes.txt', 'in/.hidden.png', 'in/sub/'])
      server.objects.set(key, key.endsWith('npy') ? array : picture);
    server.objects.set('in/text.png', Buffer.from('no picture'));
    const argv = [`s3://${BUCKET}/in/`, '-o', `s3://${BUCKET}/in/out`, '--json'];
    const first = await explain(...argv);
    expect(first.code, first.stderr).toBe(1);
    expect(first.stderr).toContain(`left out in s3://${BUCKET}/in/: notes.txt`);
    expect(first.stderr).toMatch(/ERR_IMAGE_INVALID: .*text\.png/);
    const made = () => [...server.objects.keys()].filter(key => key.startsWith('in/out/')).sort();
    expect(made()).toEqual([
      'in/out/b.grad-cam.map.npy',
      'in/out/b.grad-cam.overlay.png',
      'in/out/manifest.jsonl',
      'in/out/sub/a & b.grad-cam.map.npy',
      'in/out/sub/a & b.grad-cam.overlay.png',
      'in/out/two.0.grad-cam.map.npy',
      'in/out/two.0.grad-cam.overlay.png',
      'in/out/two.1.grad-cam.map.npy',
      'in/out/two.1.grad-cam.overlay.png',
    ]);
    expect(server.types.get('in/out/b.grad-cam.overlay.png')).toBe('image/png');
    await explain('local.png', '-o', 'out');
    expect(server.objects.get('in/out/b.grad-cam.map.npy')!.equals(mapOf('local'))).toBe(true);
    const lines = first.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(lines[0].files.map).toBe(`s3://${BUCKET}/in/out/b.grad-cam.map.npy`);

    const before = made();
    server.requests.length = 0;
    const again = await explain(...argv, '--resume');
    expect(again.stderr).toContain('4 inputs done before');
    expect(server.requests.filter(one => /^GET .*in\/(b|two|sub|text)/.test(one))).toEqual([]);
    expect(made()).toEqual(before);

    // What is gone is made again, what failed when it is asked for.
    server.objects.delete('in/out/b.grad-cam.map.npy');
    server.objects.set('in/text.png', picture);
    const mended = await explain(...argv, '--retry-failed');
    expect(mended.code, mended.stderr).toBe(0);
    expect(mended.stderr).toContain('2 inputs done before');
    expect(made()).toEqual([...before, 'in/out/text.grad-cam.map.npy', 'in/out/text.grad-cam.overlay.png'].sort());
  });

  it('are single objects too; what is missing or forbidden is told', async () => {
    const server = await s3Server();
    server.objects.set('photos/cat+1%.png', picture);
    server.fate = ({ url }) => (url!.includes('secret') ? 403 : 'pass');
    const place = `s3://${BUCKET}/photos`;
    const bad = [`${place}/none.png`, place, `${place}/secret.png`, 's3://none/x.png', 's3:///x.png', `${place}/none/`];
    const { code, stdout } = await explain(`${place}/cat+1%.png`, ...bad, '-o', 'out', '--json');
    expect(code).toBe(1);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    const of = (input: string) => lines.find(line => line.input === input);
    expect(of(`${place}/cat+1%.png`).files.map).toBe(join('out', 'cat+1%.grad-cam.map.npy'));
    expect(bad.map(input => of(input).error.code)).toEqual([
      'ERR_IMAGE_NOT_FOUND',
      'ERR_IMAGE_NOT_FOUND',
      'ERR_IMAGE_INVALID',
      'ERR_IMAGE_INVALID',
      'ERR_IMAGE_INVALID',
      'ERR_IMAGE_NOT_FOUND',
    ]);
    expect(of('s3://none/x.png').error.message).toMatch(/no bucket "none"/);
    expect(of(`${place}/none/`).error.message).toMatch(/no pictures below/);
  });

  it('are all of those below a prefix, however many', async () => {
    const server = await s3Server();
    for (let i = 0; i < 2100; i++) server.objects.set(`in/${10_000 + i}.png`, Buffer.from('no picture'));
    const inputs = await expandInputs([`s3://${BUCKET}/in/`]);
    expect(inputs).toHaveLength(2100);
    expect(inputs.at(-1)).toEqual({ path: `s3://${BUCKET}/in/12099.png`, stem: '12099', isTensor: false });
    expect(server.requests).toHaveLength(3);
  });

  it('have names that every system takes, whatever their keys are', async () => {
    const server = await s3Server();
    const hostile = {
      'x..\\..\\etc/pass wd.png': 'x.._.._etc/pass wd',
      '/absolute.png': 'absolute',
      'a//b\x1b[2J\n.png': 'a/b_[2J_',
      'C:\\x\u202e.png': 'C__x_',
      'con/NUL.png': '_con/_NUL',
      'sub./x.png': 'sub_/x',
      [`${'é'.repeat(200)}.png`]: /^é{60,70}-[0-9a-f]{12}$/,
    };
    for (const key of Object.keys(hostile)) server.objects.set(`in/${key}`, picture);
    const inputs = await expandInputs([`s3://${BUCKET}/in/`]);
    const stemOf = new Map(inputs.map(input => [input.path, 'stem' in input ? input.stem : '']));
    for (const [key, stem] of Object.entries(hostile))
      expect(stemOf.get(`s3://${BUCKET}/in/${key}`)).toEqual(
        typeof stem === 'string' ? stem : expect.stringMatching(stem),
      );
    expect((await explain(`s3://${BUCKET}/in/`, '-o', `s3://${BUCKET}/out`)).code).toBe(0);
    expect(server.objects.has('out/x.._.._etc/pass wd.grad-cam.map.npy')).toBe(true);
  });

  it('go nowhere where results cannot be written, before any is fetched', async () => {
    const server = await s3Server();
    server.objects.set('cat.png', picture);
    const outcome = await explain(`s3://${BUCKET}/cat.png`, '-o', 's3://none/x');
    expect(outcome).toMatchObject({ code: 2, stderr: expect.stringMatching(/ERR_OUTPUT: .*no bucket "none"/) });
    expect(server.requests.filter(one => one.includes('cat.png'))).toEqual([]);
    const controller = new AbortController();
    server.fate = () => {
      controller.abort();
      return 'hang';
    };
    const hanging = ['explain', 'model.onnx', 'local.png', '-o', `s3://${BUCKET}/x`];
    expect((await runHere(hanging, { library, signal: controller.signal })).code).toBe(130);
    const report = await explain('local.png', '-o', `s3://${BUCKET}/x`, '--report');
    expect(report).toMatchObject({ code: 2, stderr: expect.stringMatching(/ERR_USAGE: --report needs/) });
  });
});
