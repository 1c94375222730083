import { InvalidArgumentError, Option } from 'commander';

/** `-o, --out <dir>` of the commands that write files. */
export function outOption(standard = 'onnx-cam-out'): Option {
  return new Option('-o, --out <dir>', 'output folder').argParser(folder).default(standard);
}

/** An empty text (an unset variable in a script) would stand for the working folder. */
function folder(text: string): string {
  if (text === '') throw new InvalidArgumentError('expected a folder; the working folder is .');
  return text;
}
