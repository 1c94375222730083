/** The recipes in examples/many-machines, run as their schedulers run them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1';
import { type IJob, Job } from 'kubernetes-models/batch/v1';
import { type ISecret, Secret } from 'kubernetes-models/v1';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Part, Site, schedule } from './helpers/many-machines.ts';
import { SERVERS } from './queue/servers.ts';
import { BUCKET, s3Server } from './stores/s3-server.ts';

const recipe = (name: string) => resolve('examples/many-machines', name);
const parts = (count: number) => Array.from({ length: count }, (_, i) => i);
type PodSpec = NonNullable<NonNullable<IJob['spec']>['template']['spec']>;

describe('parallel.sh', () => {
  const missing = spawnSync('parallel', ['--version']).error && 'GNU parallel is not installed';
  if (missing && process.env.ONNX_CAM_SERVERS === 'required')
    throw new Error(`${missing}, and ONNX_CAM_SERVERS=required`);
  const command = (...inputs: string[]) => [recipe('parallel.sh'), 'model.onnx', 'out', ...inputs];
  const test = it.skipIf(missing);

  test.each([
    ['a folder', (_: Site) => ['photos']],
    ['a list', (site: Site) => ['--inputs-from', site.list()]],
  ])('does %s in parts, and makes the report', async (_, inputs) => {
    const site = await Site.make(12);
    const { code, stderr } = await site.run(command(...inputs(site)), { PARTS: '3', SHELL: '/bin/sh' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('see out/index.html') });
    site.expectEachOnce();
    await site.expectReport();
  });

  test('goes on after it was killed with all parts, and starts parts again that were', async () => {
    const site = await Site.make(30);
    const codes = await schedule(site, {
      parts: [0],
      atOnce: 1,
      start: () => site.start(command('photos'), { PARTS: '2' }),
      again: code => code === 137,
      killAt: [1, 8, 15],
    });
    expect(codes).toEqual([[137, 137, 137, 0]]);
    site.expectEachOnce();
    await site.expectReport();
  });

  test('starts a part again that alone was killed', async () => {
    const site = await Site.make(12);
    const script = [
      'echo "$1" >> started',
      `mkdir killed 2>&- || exec ${Site.command}`,
      `${Site.command} &`,
      'until compgen -G "out/manifest-*" > /dev/null; do sleep 0.01; done; kill -9 $!; wait $!',
    ].join('\n');
    site.addProgram('onnx-cam', script);
    const { code } = await site.run(command('photos'), { PARTS: '2' });
    expect(code).toBe(0);
    expect(readFileSync(join(site.data, 'started'), 'utf8')).toBe('explain\nexplain\nexplain\nreport\n');
    site.expectEachOnce();
  });

  test('ends with 1 for pictures that fail, which are not tried again, and 2 for what cannot be done', async () => {
    const site = await Site.make(5);
    writeFileSync(join(site.data, site.pictures[1]!), 'no picture');
    const first = await site.run(command('photos'), { PARTS: '2' });
    expect(first).toEqual({ code: 1, stderr: expect.stringContaining('some pictures failed') });
    expect(readFileSync(join(site.out, 'joblog.tsv'), 'utf8').trimEnd().split('\n')).toHaveLength(3);
    site.expectEachOnce([site.pictures[1]!]);
    await site.expectReport();
    rmSync(join(site.data, 'model.onnx'));
    expect((await site.run(command('photos'), { PARTS: '2' })).code).toBe(2);
    expect(await site.run([recipe('parallel.sh'), 'model.onnx'])).toEqual({
      code: 2,
      stderr: expect.stringContaining('./parallel.sh MODEL OUT INPUT'),
    });
  });
});

describe('slurm.sbatch', () => {
  const script = readFileSync(recipe('slurm.sbatch'), 'utf8');
  const [, first, last] = /^#SBATCH --array=(\d+)-(\d+)$/m.exec(script)!;
  const tasks = parts(Number(last) + 1).slice(Number(first));

  /** srun hands on what it is given after its own options, and the code; requeue ends the script. */
  async function site(count: number): Promise<Site> {
    const made = await Site.make(count);
    made.addProgram('srun', 'while [[ $1 == --* ]]; do shift; done\n"$@"');
    made.addProgram('scontrol', `echo "$@" >> '${made.folder}/requeued'`);
    return made;
  }
  const start = (made: Site, task: number, inputs: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    made.start(['bash', recipe('slurm.sbatch'), 'model.onnx', 'out', ...inputs], {
      SLURM_ARRAY_TASK_ID: `${task}`,
      SLURM_ARRAY_TASK_COUNT: `${tasks.length}`,
      SLURM_JOB_ID: `${100 + task}`,
      SLURM_CPUS_PER_TASK: '1',
      ...more,
    });

  it('does each part of a folder, of which some are killed with their nodes', async () => {
    const made = await site(12);
    const codes = await schedule(made, {
      parts: tasks,
      atOnce: 3,
      start: task => start(made, task, ['photos']),
      again: code => code === 137,
      killAt: [1, 4, 7],
    });
    expect(codes.map(all => all.at(-1))).toEqual(tasks.map(() => 0));
    made.expectEachOnce();
    await made.expectReport();
  });

  it('does a list, shorter than there are tasks, and some tasks alone', async () => {
    const made = await site(4);
    const list = ['--inputs-from', made.list()];
    for (const task of tasks.filter(task => task !== 3)) expect((await start(made, task, list).ended).code).toBe(0);
    // sbatch --array=3
    expect((await start(made, 3, list, { SLURM_ARRAY_TASK_COUNT: '1', SLURM_ARRAY_TASK_MIN: '3' }).ended).code).toBe(0);
    made.expectEachOnce();
    await made.expectReport();
  });

  it('is put back when its time is up, a bounded number of times; not for pictures that fail or wrong arguments', async () => {
    const made = await site(3);
    const requeued = () =>
      existsSync(join(made.folder, 'requeued')) ? readFileSync(join(made.folder, 'requeued'), 'utf8') : '';
    made.addProgram('srun', 'exit "$CODE"');
    const run = (CODE: string, SLURM_RESTART_COUNT: string) =>
      start(made, 0, ['photos'], { CODE, SLURM_RESTART_COUNT }).ended;
    for (const code of ['0', '1', '2']) expect((await run(code, '0')).code).toBe(Number(code));
    expect((await run('130', '20')).code).toBe(130);
    expect(requeued()).toBe('');
    for (const code of ['130', '137']) expect((await run(code, '19')).code).toBe(Number(code));
    expect(requeued()).toBe('requeue 100\nrequeue 100\n');
  });
});

describe('kubernetes-job.yaml', () => {
  const [job] = objects('kubernetes-job.yaml') as [IJob];
  const { completions, parallelism, podFailurePolicy, template } = job.spec!;

  /** What the rules say of a pod that ended with this code: the first that fits. */
  function action(code: number, condition?: string): string {
    const { rules } = podFailurePolicy!;
    const rule = rules.find(
      ({ onExitCodes, onPodConditions }) =>
        onPodConditions?.some(({ type }) => type === condition) ||
        (onExitCodes?.operator === 'In' && onExitCodes.values.includes(code)),
    );
    return rule?.action ?? 'Count';
  }

  it('is a valid Job, whose number of parts is said twice alike', () => {
    new Job(job).validate();
    expect(environmentOf(template.spec!).JOB_COMPLETIONS).toBe(`${completions}`);
    // What the API server asks besides its schema.
    expect(template.spec!.restartPolicy).toBe('Never');
    expect(job.spec!.completionMode).toBe('Indexed');
    const [container] = template.spec!.containers;
    expect(podFailurePolicy!.rules.flatMap(({ onExitCodes }) => onExitCodes?.containerName ?? [])).toEqual([
      container!.name,
    ]);
  });

  it('is a Job that a misspelt field would make invalid', () => {
    const { rules } = podFailurePolicy!;
    const wrong = { ...job, spec: { ...job.spec, podFailurePolicy: { rules: [{ ...rules[1], action: 3 }] } } };
    expect(() => new Job(wrong as never).validate()).toThrow('action');
  });

  it('starts again what was killed or sent away, not what failed by itself', () => {
    expect([0, 1, 2].map(code => action(code))).toEqual(['Count', 'FailIndex', 'FailIndex']);
    expect([130, 137, 139, 143].map(code => action(code))).toEqual(['Count', 'Count', 'Count', 'Count']);
    expect(action(130, 'DisruptionTarget')).toBe('Ignore');
  });

  it('does each part, of which some are killed with their nodes', async () => {
    const site = await Site.make(13);
    writeFileSync(join(site.data, site.pictures[2]!), 'no picture');
    const codes = await schedule(site, {
      parts: parts(completions!),
      atOnce: parallelism!,
      start: index => startPod(site, template.spec!, { JOB_COMPLETION_INDEX: `${index}` }),
      again: code => action(code) !== 'FailIndex',
      killAt: [1, 4, 7],
    });
    expect(codes.map(all => all.at(-1)).sort()).toEqual([...new Array<number>(completions! - 1).fill(0), 1]);
    expect(codes.flat().filter(code => code === 1)).toHaveLength(1);
    site.expectEachOnce([site.pictures[2]!]);
    await site.expectReport();
  });
});

describe('kubernetes-worker.yaml', () => {
  const [secret, deployment] = objects('kubernetes-worker.yaml') as [ISecret, IDeployment];
  const pod = deployment.spec!.template.spec!;
  const redis = SERVERS.find(({ name }) => name === 'redis')!;

  it('is a valid Secret and Deployment, and one reads the other', () => {
    new Secret(secret).validate();
    new Deployment(deployment).validate();
    expect(pod.containers[0]!.envFrom).toEqual([{ secretRef: { name: secret.metadata!.name } }]);
    expect(deployment.spec!.template.metadata!.labels).toMatchObject(deployment.spec!.selector.matchLabels!);
  });

  it.skipIf(redis.missing)('does what is enqueued; what waits is in the lists that the hint names', async () => {
    const server = await redis.start();
    onTestFinished(() => server.stop());
    const site = await Site.make(12);
    const variables = { ...secret.stringData, ONNX_CAM_QUEUE: server.url };
    expect(Object.keys(variables)).toEqual(['ONNX_CAM_QUEUE']);
    const text = readFileSync(recipe('kubernetes-worker.yaml'), 'utf8');
    const enqueue = /exec deploy\/onnx-cam-worker -- sh -c '(.*)'$/m.exec(text)![1]!.replaceAll('/data', site.data);
    expect(await site.run(['sh', '-c', `${enqueue} --chunk 3`], variables)).toMatchObject({ code: 0 });
    const lists = [...text.matchAll(/listName: (\S+),/g)].map(([, name]) => name!);
    const client = new Redis(server.url);
    const lengths = () => Promise.all(lists.map(name => client.llen(name)));
    expect(await lengths()).toEqual([4, 0]);
    const replicas = parts(deployment.spec!.replicas!).map(() => startPod(site, pod, variables));
    await vi.waitUntil(async () => (await lengths())[1]! > 0, { timeout: 20_000, interval: 10 });
    await vi.waitUntil(() => site.lines().length > 0, { timeout: 20_000, interval: 10 });
    replicas[0]!.kill('SIGTERM');
    expect((await replicas[0]!.ended).code).toBe(130);
    await vi.waitUntil(async () => (await lengths()).every(length => length === 0), { timeout: 50_000, interval: 100 });
    for (const replica of replicas) replica.kill('SIGTERM');
    expect((await Promise.all(replicas.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([130, 130, 130]);
    await client.quit();
    site.expectEachOnce();
    await site.expectReport();
  });
});

describe('aws-batch.json', () => {
  const definition = JSON.parse(readFileSync(recipe('aws-batch.json'), 'utf8'));

  it('starts again what was killed, not what failed by itself', () => {
    const { attempts, evaluateOnExit } = definition.retryStrategy;
    // Batch takes the first that fits; `*` at the end stands for anything.
    const action = (code: number) =>
      evaluateOnExit.find(
        ({ onExitCode, onReason }: Record<string, string>) => onReason === '*' || onExitCode === `${code}`,
      ).action;
    expect([1, 2, 130, 137].map(action)).toEqual(['EXIT', 'EXIT', 'RETRY', 'RETRY']);
    expect(attempts).toBeLessThanOrEqual(10);
    expect(evaluateOnExit.length).toBeLessThanOrEqual(5);
  });

  const { command } = definition.containerProperties;
  const commandAt = (place: (path: string) => string): string[] => {
    const places: Record<string, string> = { model: 'model.onnx', pictures: 'photos/', out: 'out/' };
    expect(Object.keys(definition.parameters)).toEqual(Object.keys(places));
    return command.map((word: string) => (word.startsWith('Ref::') ? place(places[word.slice(5)]!) : word));
  };
  const size = 4;
  const task = (index: number) => ({
    AWS_BATCH_JOB_ARRAY_INDEX: `${index}`,
    AWS_BATCH_JOB_ARRAY_SIZE: `${size}`,
  });

  it('does each part of an array, of which some are killed', async () => {
    const site = await Site.make(11);
    const codes = await schedule(site, {
      parts: parts(size),
      atOnce: 2,
      start: index =>
        site.start(
          commandAt(path => join(site.data, path)),
          task(index),
        ),
      again: () => true,
      killAt: [1, 4, 7],
    });
    expect(codes.map(all => all.at(-1))).toEqual([0, 0, 0, 0]);
    site.expectEachOnce();
    await site.expectReport();
  });

  it('does it in a bucket, whose results are a folder when they are fetched', async () => {
    const { objects } = await s3Server();
    const site = await Site.make(6);
    for (const path of ['model.onnx', ...site.pictures]) objects.set(path, readFileSync(join(site.data, path)));
    const start = (index: number) =>
      site.start(
        commandAt(path => `s3://${BUCKET}/${path}`),
        { ...task(index), XDG_CACHE_HOME: site.folder },
      );
    const killed = start(0);
    await vi.waitUntil(() => [...objects.keys()].some(key => key.endsWith('.npy')), { timeout: 20_000, interval: 5 });
    killed.kill('SIGKILL');
    await killed.ended;
    const codes = await schedule(site, { parts: parts(size), atOnce: 2, start, again: () => false });
    expect(codes).toEqual([[0], [0], [0], [0]]);
    for (const [key, content] of objects) {
      if (!key.startsWith('out/')) continue;
      mkdirSync(dirname(join(site.data, key)), { recursive: true });
      writeFileSync(join(site.data, key), content);
    }
    site.expectEachOnce([], `s3://${BUCKET}/`);
  });
});

function objects(name: string): unknown[] {
  return parseAllDocuments(readFileSync(recipe(name), 'utf8')).map(document => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
}

/** What a pod's process finds in its environment, but for what the kubelet and secrets add. */
function environmentOf({ containers }: PodSpec): Record<string, string> {
  const [{ env = [], resources }] = containers as [PodSpec['containers'][number]];
  return Object.fromEntries(
    env.map(({ name, value, valueFrom }) => {
      expect(value ?? valueFrom?.resourceFieldRef?.resource).toMatch(/^(\d+|limits\.cpu)$/);
      return [name, value ?? `${resources!.limits!.cpu}`];
    }),
  );
}

/** Starts a pod's process with the site's folder in the place of its volume. */
function startPod(site: Site, pod: PodSpec, more: Readonly<Record<string, string>>): Part {
  const [container] = pod.containers as [PodSpec['containers'][number]];
  const environment = { ...environmentOf(pod), ...more };
  const { mountPath } = container.volumeMounts![0]!;
  const words = [...container.command!, ...(container.args ?? [])].map(word =>
    word
      .replaceAll(/\$\((\w+)\)/g, (_, name: string) => {
        expect(environment).toHaveProperty(name);
        return environment[name]!;
      })
      .replace(mountPath, site.data),
  );
  return site.start(words, environment);
}
