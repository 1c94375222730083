import { dirname } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import type { Address } from './address.ts';
import { download } from './download.ts';
import type { Content, OutputStore, Presence } from './output-store.ts';
import { RemoteFailure } from './remote-failure.ts';

/** Name of what is written to see that something can be: always the same, so that at most one is left where nobody may delete. */
const PROBE = '.onnx-cam-probe';

/** What places on servers have in common: files are fetched from there, and only an attempt tells whether they may be written. */
export abstract class RemoteStore implements OutputStore {
  readonly folder = undefined;

  abstract get location(): string;
  abstract pathOf(name: string): string;
  abstract put(name: string, content: Content): Promise<void>;
  abstract putFile(name: string, path: string): Promise<void>;
  abstract remove(name: string): Promise<void>;
  abstract presence(): Presence;

  protected abstract addressOf(name: string): Address;
  /** What an error of the server means. */
  protected abstract meaningOf(error: unknown): unknown;

  async prepare(): Promise<() => Promise<void>> {
    await this.put(PROBE, '');
    // Who may not delete can write all the same.
    await this.remove(PROBE).catch(() => {});
    return async () => {};
  }

  async getFile(name: string, path: string): Promise<boolean> {
    const options = { folder: dirname(path), most: Number.MAX_SAFE_INTEGER };
    try {
      await download(this.addressOf(name), options, ({ moveTo }) => moveTo(path));
      return true;
    } catch (error) {
      if (error instanceof RemoteFailure && error.kind === 'missing') return false;
      throw this.failed('read', name, error);
    }
  }

  protected failed(doing: 'read' | 'write', name: string, error: unknown): OnnxCamError {
    const failure = this.meaningOf(error);
    if (failure instanceof OnnxCamError) return failure;
    const { message } = failure as Error;
    return new OnnxCamError('ERR_OUTPUT', `cannot ${doing} ${this.pathOf(name)}: ${message}`, { cause: error });
  }
}
