import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import sharp from 'sharp';
import { decode } from 'sixel';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Console } from '../../lib/cli/tell/console.ts';
import { terminalPicture } from '../../lib/cli/tell/terminal-pictures.ts';
import { fakeExplanation, fakeModel, runHere, temporaryFolder } from './harness.ts';

let folder: string;
let picture: string;

/** Of terminals, and of those within one. */
const VARIABLES =
  'TERM TERM_PROGRAM TERM_PROGRAM_VERSION LC_TERMINAL TMUX ZELLIJ KITTY_WINDOW_ID KITTY_PID GHOSTTY_RESOURCES_DIR KONSOLE_VERSION WEZTERM_PANE WEZTERM_UNIX_SOCKET';

beforeEach(() => {
  folder = temporaryFolder();
  picture = join(folder, 'cat.png');
  writeFileSync(picture, '');
  for (const name of VARIABLES.split(' ')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const show = (env: Record<string, string>, argv: readonly string[] = [], terminals: 'stdout'[] = ['stdout']) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return runHere(['explain', 'model.onnx', picture, '--show', '-o', join(folder, 'out'), ...argv], { terminals });
};

/** As it should look: 2x1 pixels, enlarged to 480x240. */
async function expectOverlay(data: Uint8Array, channels: 3 | 4, near = 0): Promise<void> {
  const { data: overlay } = await fakeExplanation().overlay();
  for (const [x, at] of [
    [100, 0],
    [400, 3],
  ] as const)
    for (let c = 0; c < 3; c++)
      expect(Math.abs(data[channels * (120 * 480 + x) + c]! - overlay[at + c]!)).toBeLessThanOrEqual(near);
}

describe('--show', () => {
  it('speaks kitty’s protocol in parts of at most 4096 characters', async () => {
    const { code, stdout } = await show({ TERM: 'xterm-kitty' });
    expect(code).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const parts = [...stdout.matchAll(/\x1b_G([^;]*);([^\x1b]*)\x1b\\/g)];
    expect(parts.map(([whole]) => whole).join('')).toBe(stdout.trimEnd());
    expect(parts[0]![1]).toContain('a=T,f=100,q=2,c=60');
    expect(parts.at(-1)![1]).toContain('m=0');
    expect(Math.max(...parts.map(([, , data]) => data!.length))).toBeLessThanOrEqual(4096);
    const png = Buffer.from(parts.map(([, , data]) => data).join(''), 'base64');
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 480, height: 240, channels: 3 });
    await expectOverlay(data, 3);
  });

  it.each([
    ['iTerm2', { TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.4.0' }],
    ['VS Code started from kitty', { TERM_PROGRAM: 'vscode', TERM_PROGRAM_VERSION: '1.100.0', KITTY_WINDOW_ID: '1' }],
  ])('speaks iTerm2’s in %s', async (_, env) => {
    const { stdout } = await show(env);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    const found = /^\x1b]1337;File=inline=1;width=60;size=(\d+):([A-Za-z0-9+/=]+)\x07\n$/.exec(stdout);
    const png = Buffer.from(found?.[2] ?? '', 'base64');
    expect(png.length).toBe(Number(found?.[1]));
    await expectOverlay((await sharp(png).raw().toBuffer()) as Uint8Array, 3);
  });

  it.each([['foot'], ['mlterm']])('speaks sixel in %s', async TERM => {
    const { stdout } = await show({ TERM });
    expect(stdout.startsWith('\x1bP') && stdout.endsWith('\x1b\\\n')).toBe(true);
    const { width, height, data32 } = decode(Buffer.from(stdout.slice(stdout.indexOf('q') + 1, -3)));
    expect([width, height]).toEqual([480, 240]);
    // Colours are hundredths.
    await expectOverlay(new Uint8Array(data32.buffer, data32.byteOffset, data32.byteLength), 4, 4);
  });

  it.each([
    ['an unknown terminal', { TERM: 'xterm-256color' }, 'this terminal is not known to show pictures'],
    ['tmux', { TERM: 'tmux-256color', TMUX: '/tmp/x', KITTY_WINDOW_ID: '1' }, 'tmux lets no pictures through'],
    ['screen', { TERM: 'screen', KITTY_WINDOW_ID: '1' }, 'screen lets no pictures through'],
    ['Zellij', { ZELLIJ: '0', TERM: 'xterm-kitty' }, 'Zellij lets no pictures through'],
  ])('says once why not in %s, and goes on', async (_, env, reason) => {
    const { code, stdout, stderr } = await show(env, [picture]);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr.split(reason)).toHaveLength(2);
    expect(stderr).toContain('2 results');
  });

  it('says why not where standard output is no terminal', async () => {
    const { code, stdout, stderr } = await show({ TERM: 'xterm-kitty' }, [], []);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('standard output is no terminal');
  });

  it('does not go with --json', async () => {
    const { code, stderr } = await show({ TERM: 'xterm-kitty' }, ['--json']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('ERR_USAGE')]);
  });

  it('writes nothing of names and labels to the terminal', async () => {
    const target = { index: 1, label: '\x1b]0;owned\x07', score: 1, probability: 0.5, kind: 'class' };
    vi.stubEnv('TERM', 'xterm-kitty');
    const { stdout, stderr } = await runHere(
      ['explain', 'model.onnx', picture, '--show', '-o', join(folder, 'out'), '--save', 'map'],
      {
        terminals: ['stdout'],
        library: { load: async () => fakeModel({ explain: (async () => [fakeExplanation({ target })]) as never }) },
      },
    );
    expect(stdout + stderr).not.toContain('\x1b]0;');
    expect(readFileSync(join(folder, 'out/manifest.jsonl'), 'utf8')).not.toContain('\x1b');
  });

  it('stays within narrow terminals', async () => {
    const overlay = await fakeExplanation().overlay();
    expect(await terminalPicture(overlay, 'kitty', 20)).toContain('c=19,');
    expect(await terminalPicture(overlay, 'iterm2', 20)).toContain('width=19;');
    // Of letters six pixels wide.
    expect(await terminalPicture(overlay, 'sixel', 20)).toContain('"1;1;114;57');
  });

  it('takes a terminal that does not know its width for one of the usual', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 0 }) as never;
    expect(new Console(stream, stream).width).toBe(120);
  });
});
