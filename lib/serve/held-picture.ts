import { rm } from 'node:fs/promises';
import { openPicture } from '../image/decode.ts';
import type { DecodeOptions } from '../image/decode-options.ts';
import { openedPicture } from '../report/small-picture.ts';
import type { ServedPicture } from './api.ts';
import type { ReceivedFile } from './receive.ts';
import { type Held, makeId } from './shelf.ts';

/** An uploaded picture; its pixels stay in its file. */
export class HeldPicture implements Held {
  readonly id = makeId();
  readonly isFixed = false;
  readonly isBusy = false;
  readonly name: string;
  readonly bytes: number;
  readonly path: string;
  readonly served: ServedPicture;
  readonly #folder: string;

  private constructor({ name, path, bytes }: ReceivedFile, folder: string, shown: Omit<ServedPicture, 'id' | 'name'>) {
    this.name = name;
    this.bytes = bytes;
    this.path = path;
    this.#folder = folder;
    this.served = { id: this.id, name, ...shown };
  }

  /** @param folder of its own @throws `ERR_IMAGE_INVALID`, `ERR_ADDON` */
  static async read(
    file: ReceivedFile,
    folder: string,
    options: Pick<DecodeOptions, 'limitInputPixels'>,
  ): Promise<HeldPicture> {
    const { size, picture } = await openedPicture(await openPicture(file.path, options));
    return new HeldPicture(file, folder, { ...size, picture });
  }

  async discard(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
