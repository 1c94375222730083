import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as library from '../../lib/index.ts';
import { makePicture, runHere, workInTemporaryFolder } from '../cli/harness.ts';
import { residualModel } from '../helpers/small-models.ts';
import { SERVERS } from '../queue/servers.ts';
import { setEnvironment } from './faulty-server.ts';
import { BUCKET, s3Server } from './s3-server.ts';
import { webServer } from './web-server.ts';

const [redis] = SERVERS;

describe.skipIf(redis!.missing !== undefined)('a queue of what lies on servers', () => {
  it.each(['S3', 'the web'])('is worked on with nothing but addresses, to %s, and says no secrets', async to => {
    workInTemporaryFolder();
    setEnvironment({ ONNX_CAM_CACHE: join(process.cwd(), 'cache') });
    const queue = await redis!.start();
    onTestFinished(() => queue.stop());
    const s3 = await s3Server();
    const web = await webServer();
    await makePicture('cat.png', 24, 20);
    web.files.set('/net.onnx', Buffer.from(residualModel()));
    web.files.set('/far.png', readFileSync('cat.png'));
    for (const i of [1, 2, 3]) s3.objects.set(`in/${i}.png`, readFileSync('cat.png'));
    s3.objects.set('in/text.png', Buffer.from('no picture'));
    const run = (...argv: string[]) => runHere([...argv, '--queue', queue.url], { library });
    const explain = [
      'explain',
      `${web.origin}/net.onnx?sig=SECRET`,
      `s3://${BUCKET}/in/`,
      `${web.origin}/far.png?sig=SECRET`,
    ];
    const place = to === 'S3' ? `s3://${BUCKET}/out` : `${web.origin}/out?sig=SECRET`;
    const enqueued = await run(...explain, '-o', place, '--chunk', '2');
    expect(enqueued.code, enqueued.stderr).toBe(0);
    web.requests.length = 0;
    const worked = await run('worker', '--exit-when-empty');
    expect(worked.code, worked.stderr).toBe(1);
    const files = new Map([
      ...s3.objects,
      ...[...web.files].map(([path, content]) => [path.slice(1), content] as const),
    ]);
    const out = [...files.keys()].filter(key => key.startsWith('out/')).sort();
    expect(out.filter(key => key.endsWith('.npy'))).toEqual(
      ['1', '2', '3', 'far'].map(stem => `out/${stem}.grad-cam.map.npy`),
    );
    const manifests = out.filter(key => key.endsWith('.jsonl'));
    expect(manifests).toHaveLength(3);
    const lines = manifests.map(key => String(files.get(key))).join('');
    expect(lines).toMatch(/"code":"ERR_IMAGE_INVALID"/);
    // Fetched by its hash: it was here already.
    expect(web.requests.filter(one => one.startsWith('GET /net.onnx?'))).toEqual([]);
    const status = await run('queue', 'status');
    writeFileSync('said', enqueued.stderr + worked.stderr + status.stdout + status.stderr + lines);
    expect(readFileSync('said', 'utf8')).not.toContain('SECRET');
  });
});
