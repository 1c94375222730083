import { spawn } from 'node:child_process';

/**
 * Runs a command to its end.
 * @returns {Promise<{ code: number | null, stdout: string, output: string }>} `output` is both streams
 */
export function execute([file, ...args], { cwd, env = process.env, seconds = 600 }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: seconds * 1000 });
    let [stdout, output] = ['', ''];
    child.stdout.on('data', text => {
      stdout += text;
      output += text;
    });
    child.stderr.on('data', text => (output += text));
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, output }));
  });
}
