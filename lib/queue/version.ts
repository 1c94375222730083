import { isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import { PROTOCOL } from './chunk.ts';
import { queueError } from './queue-error.ts';

/**
 * A run's results are of one version. What can be read of a job before it is known who wrote it is enough here.
 * @throws `ERR_QUEUE` for a chunk of another version, or in a form of another version
 */
export function refuseOtherVersion(data: unknown, version: string): void {
  const chunk = isRecord(data) && isRecord(data.chunk) ? data.chunk : {};
  // What has none is damaged, and told so by the check.
  if (typeof chunk.version !== 'string') return;
  if (chunk.version === version && chunk.protocol === PROTOCOL) return;
  const form = chunk.protocol === PROTOCOL ? '' : ` in form ${shown(chunk.protocol)}`;
  throw queueError(
    `what waits in this queue was enqueued by onnx-cam ${chunk.version.slice(0, 40)}${form}, this worker is onnx-cam ${version}: it was given back; start workers of that version, or take it out with onnx-cam queue drain and enqueue it again`,
  );
}
