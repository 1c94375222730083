import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { OnnxCamError } from '../../common/errors.ts';

/**
 * Names from a file, one a line; empty lines are none.
 * @param source a path, or `-` for standard input
 * @throws `ERR_OPTION_INVALID` for a file that cannot be read, or holds no names
 */
export async function readNames(source: string): Promise<string[]> {
  const names: string[] = [];
  const input = source === '-' ? process.stdin : createReadStream(source);
  try {
    // Errors of a stream that is read by lines are told by the stream alone.
    const failed = new Promise<never>((_, reject) => input.once('error', reject));
    const read = async () => {
      for await (const line of createInterface({ input, crlfDelay: Infinity }))
        if (line !== '') names.push(names.length === 0 ? line.replace(/^\uFEFF/, '') : line);
    };
    await Promise.race([read(), failed]);
  } catch (cause) {
    throw wrong(source, `it cannot be read (${(cause as Error).message})`, cause);
  }
  if (names.length === 0) throw wrong(source, 'it holds no names');
  const at = names.findIndex(name => name.includes('\0'));
  if (at >= 0) throw wrong(source, `name ${at + 1} holds a NUL; it takes one name a line`);
  return names;
}

function wrong(source: string, why: string, cause?: unknown): OnnxCamError {
  const what = source === '-' ? 'standard input' : source;
  return new OnnxCamError('ERR_OPTION_INVALID', `--inputs-from ${what}: ${why}`, { cause });
}
