import { Option } from 'commander';
import { place } from './option-values.ts';

/** `-o, --out <dir>` of the commands that write files. @param what it may be */
export function outOption(standard = 'onnx-cam-out', what = 'output folder'): Option {
  return new Option('-o, --out <dir>', what).argParser(place('a folder')).default(standard);
}
