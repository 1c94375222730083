import type { Requests } from '../request/request.ts';
import type { Setting } from './head-setting.ts';
import type { Runners } from './runners.ts';

/** What explaining needs of the explainer. */
export interface Stage extends Runners {
  readonly setting: Setting;
  readonly requests: Requests;
}
