import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prebuiltAddon } from '#package';
// @ts-expect-error scripts are plain JavaScript
import { FORMATS } from '../../scripts/release/formats.js';
// @ts-expect-error scripts are plain JavaScript
import { PLATFORMS } from '../../scripts/release/platforms.js';

type System = keyof typeof FORMATS;

const elf = {
  versions: ['GLIBC_2.3.2', 'GLIBC_2.28', 'GLIBC_2.4'],
  executableStack: false,
  writableCode: false,
  relro: true,
  noDelete: true,
  symbols: 0,
};
const flags = ['DYNAMIC_BASE', 'HIGH_ENTROPY_VA', 'NX_COMPAT'];

function faultsOf(system: System, facts: object): string[] {
  const faults: string[] = [];
  FORMATS[system].check({ ...facts }, (text: string) => faults.push(text));
  return faults;
}

describe('what a published binary may be', () => {
  it.each([
    ['linux', elf],
    ['darwin', { minimumSystem: '14.0.0', signed: true }],
    ['win32', { flags }],
  ] as const)('nothing is wrong with a good one for %s', (system, facts) => {
    expect(faultsOf(system, facts)).toEqual([]);
  });

  it.each([
    ['linux', { ...elf, versions: ['GLIBC_2.4', 'GLIBC_2.34'] }, 'needs glibc 2.34; 2.28 is promised'],
    ['linux', { ...elf, versions: ['GLIBC_2.4', 'GLIBCXX_3.4.30'] }, 'needs the symbol versions GLIBCXX_3.4.30'],
    ['linux', { ...elf, executableStack: true }, 'asks for an executable stack'],
    ['linux', { ...elf, writableCode: true }, 'has code that can be written to'],
    ['linux', { ...elf, relro: false }, 'its tables stay writable (no GNU_RELRO)'],
    ['linux', { ...elf, noDelete: false }, 'can be unloaded under its threads (no NODELETE)'],
    ['linux', { ...elf, symbols: 3 }, 'is not stripped'],
    ['darwin', { minimumSystem: '15.0.0', signed: true }, 'needs macOS 15.0.0; 14.0.0 is promised'],
    [
      'darwin',
      { minimumSystem: '14.0.0', signed: false },
      'has no signature: Apple’s processors run no code without one',
    ],
    ['win32', { flags: flags.slice(0, 2) }, 'has not the flag NX_COMPAT'],
  ] as const)('%s: %o', (system, facts, fault) => {
    expect(faultsOf(system, facts)).toEqual([fault]);
  });

  it('may need no library but the system’s', () => {
    const may = (system: System, name: string) => FORMATS[system].mayNeed.some((pattern: RegExp) => pattern.test(name));
    expect(['libc.so.6', 'libm.so.6', 'ld-linux-aarch64.so.1'].every(name => may('linux', name))).toBe(true);
    expect(may('linux', 'libstdc++.so.6')).toBe(false);
    expect(may('darwin', '/usr/lib/libc++.1.dylib')).toBe(false);
    expect(may('win32', 'node.exe')).toBe(false);
    expect(may('win32', 'VCRUNTIME140.dll')).toBe(false);
  });
});

it('the same platforms are built, documented and opened', () => {
  const names = Object.keys(PLATFORMS).sort();
  const rows = readFileSync('docs/platforms.md', 'utf8').matchAll(/^\| (\S+) \| `prebuilds\/(\S+?)\/(\S+)`/gm);
  const documented = [...rows].map(([, name, folder, file]) => ({ name, folder, file }));
  expect(documented.map(({ name }) => name).sort()).toEqual(names);
  for (const { name, folder, file } of documented) {
    expect(folder).toBe(name);
    expect(PLATFORMS[name as keyof typeof PLATFORMS].file).toBe(file);
  }
  for (const name of names)
    expect(prebuiltAddon(name)).toBe(resolve('prebuilds', name, PLATFORMS[name as keyof typeof PLATFORMS].file));
  expect(prebuiltAddon('sunos-x64')).toBeUndefined();
});
