import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { makePicture } from '../cli/harness.ts';
import { buildModel, noise } from './model-builder.ts';
import { scratchFolder } from './run-example.ts';

/** A folder such as a scheduler's machines share, with the command in PATH, a model, and pictures with all sorts of names. */
export class Site {
  /** What a shell runs for `onnx-cam`. */
  static readonly command = `'${process.execPath}' '${resolve('dist/cli/main.js')}' "$@"`;

  readonly folder = scratchFolder();
  readonly data = join(this.folder, 'data');
  readonly out = join(this.data, 'out');
  /** Below `data`. */
  readonly pictures: string[] = [];
  readonly #programs = join(this.folder, 'bin');

  static async make(count: number): Promise<Site> {
    const site = new Site();
    mkdirSync(join(site.data, 'photos/sub folder'), { recursive: true });
    writeFileSync(join(site.data, 'model.onnx'), slowModel());
    for (let i = 0; i < count; i++) {
      const path = join('photos', i % 3 === 0 ? 'sub folder' : '', i % 4 === 0 ? `it's "${i}".png` : `${i}.png`);
      await makePicture(join(site.data, path), 40 + i, 30);
      site.pictures.push(path);
    }
    site.addProgram('onnx-cam', `exec ${Site.command}`);
    // On many cores all pictures of a part would be in work at once.
    site.addProgram('nproc', 'echo 2');
    return site;
  }

  /** A stand-in for a program of the scheduler's. */
  addProgram(name: string, script: string): void {
    mkdirSync(this.#programs, { recursive: true });
    writeFileSync(join(this.#programs, name), `#!/bin/bash\n${script}\n`);
    chmodSync(join(this.#programs, name), 0o755);
  }

  /** A list of the pictures, as lines of Windows where that matters. */
  list(): string {
    const path = join(this.data, 'list.txt');
    writeFileSync(path, this.pictures.map(name => `${join(this.data, name)}\r\n`).join(''));
    return path;
  }

  start(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Part {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SCHEDULERS.test(name)));
    const PATH = this.#programs + delimiter + process.env.PATH;
    const [program, ...args] = command as [string, ...string[]];
    const part = new Part(spawn(program, args, { cwd: this.data, env: { ...inherited, PATH, ...environment } }));
    onTestFinished(() => part.kill('SIGKILL'));
    return part;
  }

  run(command: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ended> {
    return this.start(command, environment).ended;
  }

  /** Lines of all manifests. */
  lines(): readonly ManifestLine[] {
    if (!existsSync(this.out)) return [];
    const names = readdirSync(this.out).filter(name => /^manifest.*\.jsonl$/.test(name));
    return names.flatMap(name => {
      // The last one may be in writing.
      const [, ...lines] = readFileSync(join(this.out, name), 'utf8').split('\n').slice(0, -1);
      return lines.map(line => JSON.parse(line) as ManifestLine);
    });
  }

  /**
   * Every picture has exactly one result or one error, and every result its files.
   * @param place what may stand before the names of pictures
   */
  expectEachOnce(failed: readonly string[] = [], place = `${this.data}/`): void {
    const lines = this.lines();
    const names = (some: readonly ManifestLine[]) => some.map(({ input }) => input.replace(place, '')).sort();
    expect(names(lines)).toEqual([...this.pictures].sort());
    expect(names(lines.filter(({ error }) => error))).toEqual([...failed].sort());
    const files = lines.flatMap(({ files = {} }) => Object.values(files));
    expect(new Set(files).size).toBe(2 * (this.pictures.length - failed.length));
    const there = readdirSync(this.out, { recursive: true, encoding: 'utf8' });
    expect(there.filter(name => /\.(npy|png)$/.test(name)).sort()).toEqual(files.sort());
    expect(there.filter(name => name.endsWith('.lock'))).toEqual([]);
  }

  async expectReport(): Promise<void> {
    const { code, stderr } = await this.run(['onnx-cam', 'report', this.out]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('warning') });
    expect(existsSync(join(this.out, 'index.html'))).toBe(true);
  }
}

/** Takes a tenth of a second or so for a picture, so that it can be killed in between. */
function slowModel(): Uint8Array {
  const layers = Array.from({ length: 6 }, (_, i) => [
    makeNode('Conv', [`r${i}`, i === 0 ? 'first' : 'w'], [`c${i}`], { pads: [1, 1, 1, 1] }),
    makeNode('Relu', [`c${i}`], [`r${i + 1}`]),
  ]).flat();
  return buildModel({
    nodes: [
      ...layers,
      makeNode('GlobalAveragePool', ['r6'], ['p']),
      makeNode('Flatten', ['p'], ['f'], { axis: 1 }),
      makeNode('Gemm', ['f', 'head'], ['y']),
    ],
    inputs: [{ name: 'r0', dims: ['N', 3, 96, 96] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { first: noise([48, 3, 3, 3], 1, 0.3), w: noise([48, 48, 3, 3], 2, 0.1), head: noise([48, 5], 3) },
  });
}

/** What a scheduler sets; the tests may run under one. */
const SCHEDULERS = /^(SLURM|AWS_BATCH|JOB_COMPLETION|PARALLEL|ONNX_CAM_QUEUE)/;

export interface ManifestLine {
  readonly input: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly error?: { readonly code: string };
}

export interface Ended {
  /** As a shell and a scheduler say it: 128 + the signal's number. */
  readonly code: number;
  readonly stderr: string;
}

const NUMBERS: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15 };

/** A process of a scheduler, with all that it started. */
export class Part {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = this.#end();
  }

  async #end(): Promise<Ended> {
    let stderr = '';
    this.#child.stdout!.resume();
    this.#child.stderr!.setEncoding('utf8').on('data', text => {
      stderr += text;
    });
    const [code, signal] = await once(this.#child, 'close');
    return { code: code ?? 128 + NUMBERS[signal]!, stderr };
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** With SIGKILL all of its processes, as the end of a machine does: GNU parallel puts each job into a group of its own. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): void {
    if (!this.isRunning) return;
    const { pid } = this.#child;
    for (const one of signal === 'SIGKILL' ? [pid!, ...descendants(pid!)] : [pid!])
      try {
        process.kill(one, signal);
      } catch {
        // It has ended meanwhile.
      }
  }
}

function descendants(pid: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = rows.map(row => row.trim().split(/\s+/).map(Number) as [number, number]);
  const below = (parent: number): number[] =>
    pairs.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

export interface Schedule {
  readonly parts: readonly number[];
  readonly atOnce: number;
  readonly start: (part: number) => Part;
  /** Whether a part that ended with this code is started again. */
  readonly again: (code: number) => boolean;
  /** All that runs is killed when that many pictures are done. */
  readonly killAt?: readonly number[];
}

/** Does what a scheduler does. @returns the codes of each part's starts */
export async function schedule(
  site: Site,
  { parts, atOnce, start, again, killAt = [] }: Schedule,
): Promise<number[][]> {
  const waiting = [...parts];
  const kills = [...killAt];
  const running = new Set<Part>();
  const codes = new Map<number, number[]>(parts.map(part => [part, []]));
  while (waiting.length + running.size > 0) {
    while (waiting.length > 0 && running.size < atOnce) {
      const index = waiting.shift()!;
      const part = start(index);
      running.add(part);
      void part.ended.then(({ code }) => {
        running.delete(part);
        codes.get(index)!.push(code);
        if (code !== 0 && again(code)) waiting.push(index);
      });
    }
    if (kills.length > 0 && running.size > 0 && site.lines().length >= kills[0]!) {
      kills.shift();
      const killed = [...running];
      for (const part of killed) part.kill('SIGKILL');
      await Promise.all(killed.map(({ ended }) => ended));
    }
    await sleep(10);
  }
  expect(kills).toEqual([]);
  return [...codes.values()];
}
