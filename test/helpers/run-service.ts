import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach } from 'vitest';

const SOURCE = resolve('examples/service');

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface Service {
  readonly url: string;
  readonly child: ChildProcess;
  /** What was logged until now. */
  readonly log: readonly LogLine[];
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

interface Spawning {
  readonly environment?: NodeJS.ProcessEnv;
  readonly shared?: boolean;
}

/** A copy of examples/service as users make one: what its package.json names is there, and nothing else. */
export class ServiceCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'onnx-cam-service-'));
  #configs = 0;
  /** Processes of the test that runs, and of all tests of the file. */
  readonly #own: ChildProcess[] = [];
  readonly #shared: ChildProcess[] = [];

  constructor() {
    cpSync(SOURCE, this.folder, { recursive: true, filter: path => !path.includes('node_modules') });
    const { dependencies } = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies)) {
      const link = join(this.folder, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(name === 'onnx-cam' ? resolve('.') : resolve('node_modules', name), link, 'junction');
    }
    afterEach(() => kill(this.#own));
    afterAll(() => {
      kill(this.#shared);
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** @param shared whether the process lives until the file's last test has ended, or until this one has */
  spawn(args: readonly string[], { environment, shared = false }: Spawning = {}): ChildProcess {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    (shared ? this.#shared : this.#own).push(child);
    return child;
  }

  /** @returns the name of the file */
  writeConfig(config: object): string {
    const file = `config-${++this.#configs}.json`;
    writeFileSync(join(this.folder, file), JSON.stringify({ host: '127.0.0.1', port: 0, ...config }));
    return file;
  }

  /** @param until what the log says when there is no more to wait for */
  async start(config: object, { until = 'ready', ...spawning }: Spawning & { until?: string } = {}): Promise<Service> {
    const child = this.spawn(['server.js', this.writeConfig(config)], spawning);
    const log: LogLine[] = [];
    let errors = '';
    child.stderr!.on('data', text => {
      errors += text;
    });
    const ended = new Promise<number | null>(end => child.once('close', end));
    await new Promise<void>((ready, fail) => {
      createInterface({ input: child.stdout! }).on('line', line => {
        log.push(JSON.parse(line));
        if (log.at(-1)!.msg.startsWith(until)) ready();
      });
      ended.then(code => fail(new Error(`the service ended with ${code}: ${errors} ${JSON.stringify(log)}`)));
    });
    const [, url] = /(http:\/\/\S+)/.exec(log.find(({ msg }) => msg.startsWith('Server listening'))!.msg)!;
    return { url: url!, child, log, ended };
  }
}

function kill(children: ChildProcess[]): void {
  for (const child of children.splice(0)) child.kill('SIGKILL');
}
