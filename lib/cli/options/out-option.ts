import { InvalidArgumentError, Option } from 'commander';

/** `-o, --out <dir>` of the commands that write files. @param what it may be */
export function outOption(standard = 'onnx-cam-out', what = 'output folder'): Option {
  return new Option('-o, --out <dir>', what).argParser(folder).default(standard);
}

/** An empty text (an unset variable in a script) would stand for the working folder. */
function folder(text: string): string {
  if (text === '') throw new InvalidArgumentError('expected a folder; the working folder is .');
  return text;
}
