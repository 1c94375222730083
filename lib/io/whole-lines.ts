import { type OpenFile, UnfitFile } from './regular-file.ts';

/** A line of a file, with the bytes that it takes there. */
export interface FileLine {
  readonly text: string;
  /** Of its first byte. */
  readonly start: number;
  /** Bytes, without its end. */
  readonly length: number;
}

const PIECE = 2 ** 20;

/**
 * The lines of an open file that end with a line feed: what an interruption left behind the last one is none.
 * @param longest bytes of a line
 * @throws UnfitFile for a longer one, and what reading throws
 */
export async function* wholeLines({ file }: OpenFile, longest: number): AsyncGenerator<FileLine, void, void> {
  let pending: Buffer[] = [];
  let [start, length] = [0, 0];
  for (let offset = 0; ; ) {
    const piece = Buffer.allocUnsafe(PIECE);
    const { bytesRead } = await file.read(piece, 0, PIECE, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    for (let from = 0; from < bytesRead; ) {
      const end = piece.subarray(0, bytesRead).indexOf(10, from);
      const part = piece.subarray(from, end < 0 ? bytesRead : end);
      pending.push(part);
      length += part.length;
      if (length > longest) throw new UnfitFile(`a line of it has more than the ${longest} bytes that are read`);
      from += part.length + 1;
      if (end < 0) continue;
      yield { text: Buffer.concat(pending).toString('utf8'), start, length };
      pending = [];
      start += length + 1;
      length = 0;
    }
  }
}
