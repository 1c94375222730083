import { OnnxCamError } from '../../common/errors.ts';
import type { Console } from '../tell/console.ts';
import { type PictureProtocol, pictureProtocol } from '../tell/terminal-pictures.ts';
import type { ExplainFlags } from './explain-flags.ts';

/**
 * How `--show` prints pictures; where it cannot, it says once why not.
 * @throws `ERR_USAGE` together with `--json`, whose lines have standard output for themselves
 */
export function showOption({ show, json }: ExplainFlags, console: Console): PictureProtocol | undefined {
  if (!show) return undefined;
  if (json)
    throw new OnnxCamError('ERR_USAGE', '--show prints pictures where --json prints its lines: give one of them');
  const found = pictureProtocol({ isTTY: console.printsToTerminal });
  if (typeof found === 'string') return found;
  console.note(`--show: no pictures here: ${found.reason}; they are in the output folder`);
  return undefined;
}
