import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ms, printTable, ratio } from './report.js';

/** Runs a script of bench/peers and gives the lines of JSON that it prints; the first one describes the machine. */
export function runPeers(python, script, args) {
  const path = fileURLToPath(new URL(`../peers/${script}`, import.meta.url));
  return execFileSync(python, [path, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    .trim()
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line));
}

/**
 * The Python tools' Score-CAM or Ablation-CAM on ResNet-18 and on EfficientNet-Lite0 with BatchNormalization folded, as ours is.
 * @param ours milliseconds by model
 */
export function printScorePeers(python, method, { threads, quick, ours }) {
  const args = ['--methods', method, '--models', 'resnet18,efficientnet-lite0-folded', '--threads', `${threads}`];
  if (quick) args.push('--repeats', '1');
  const records = runPeers(python, 'scorecam_peers.py', args);
  console.log(JSON.stringify(records[0]));
  printTable(
    ['model', 'tool', 'batch', 'ms', 'times ours', 'peak MB'],
    records
      .filter(({ kind }) => kind === method)
      .map(({ model, tool, batch_size, median_ms, peak_mib }) => [
        model,
        tool,
        batch_size,
        ms(median_ms),
        ratio(median_ms / ours.get(model.replace('-folded', ''))),
        peak_mib,
      ]),
  );
}
