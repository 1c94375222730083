import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { gpuInfo } from '../../lib/engine/gpu.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the addon and CUDA', () => {
  it('says what there is without failing', async () => {
    const { built, runtimeVersion, devices, error } = await gpuInfo();
    expect(runtimeVersion).toMatch(built ? /^\d+\.\d+$/ : /^$/);
    // Nobody to ask, somebody who says why not, or devices.
    if (devices.length > 0) expect(devices[0]!.computeCapability).toMatch(/^\d+\.\d+$/);
    else expect(error !== '').toBe(built);
  });

  it('takes any error as "no device"', async () => {
    const script = `const addon = require(${JSON.stringify(join(root, 'build/Release/onnx_cam.node'))});
      addon.gpuInfo().then(info => console.log(JSON.stringify(info.devices)));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
      cwd: root,
      env: { ...process.env, CUDA_VISIBLE_DEVICES: '-1' },
    });
    expect(stdout.trim()).toBe('[]');
  });

  it('is a single binary', () => {
    const built = readdirSync(new URL('../../build/Release/', import.meta.url)).filter(name => name.endsWith('.node'));
    expect(built).toEqual(['onnx_cam.node']);
  });
});
