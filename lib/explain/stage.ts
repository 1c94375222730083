import type { Requests } from '../request/request.ts';
import type { Runners } from './compute-maps.ts';
import type { Setting } from './head-setting.ts';

/** What explaining needs of the explainer. */
export interface Stage extends Runners {
  readonly setting: Setting;
  readonly requests: Requests;
}
