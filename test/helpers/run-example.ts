import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** A folder that is removed with the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-example-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function start(example: string, args: readonly unknown[], nodeArgs: readonly string[] = []): ChildProcess {
  const child = spawn(process.execPath, [...nodeArgs, resolve('examples', example), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs a program of examples/ to its end. */
export async function runExample(
  example: string,
  args: readonly unknown[],
  { nodeArgs }: { readonly nodeArgs?: readonly string[] } = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = start(example, args, nodeArgs);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', text => {
      said[name] += text;
    });
  const code = await new Promise<number | null>((end, fail) => child.on('error', fail).on('close', end));
  return { code, ...said };
}

/** Starts one that serves, and waits for its first line. */
export async function startExample(example: string, args: readonly unknown[]): Promise<string> {
  const child = start(example, args);
  let errors = '';
  child.stderr!.on('data', text => {
    errors += text;
  });
  return new Promise((line, fail) => {
    createInterface({ input: child.stdout! }).once('line', line);
    child.once('error', fail).once('close', code => fail(new Error(`${example} ended with ${code}: ${errors}`)));
  });
}
