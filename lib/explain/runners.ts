import type { MaskOptimizers } from '../network/mask-optimizers.ts';
import type { Network } from '../network/network.ts';
import type { RunSchedule } from '../network/run-schedule.ts';
import type { Scorers } from '../network/scorers.ts';

/** What makes the runs that methods ask for besides the shared one. */
export interface RunMakers {
  readonly scorers: Scorers;
  readonly optimizers: MaskOptimizers;
}

/** What runs the network for a call. */
export interface Runners extends RunMakers {
  readonly network: Network;
  /** How all of the explainer's runs share its threads. */
  readonly schedule: RunSchedule;
}
