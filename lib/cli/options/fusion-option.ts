import { Option } from 'commander';
import { FUSIONS } from '../../methods/definition.ts';

/** Of the commands that explain. */
export const fusionOption = (): Option =>
  new Option('--fusion <name>', "how maps of several layers become one (default: the convention's)").choices(FUSIONS);
