/**
 * One test cluster at a time: clusters of this machine share addresses, networks and cgroups, and each removes what another left. A
 * process claims the machine until it ends.
 */

import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdName } from './held-name.ts';

/** Set for a process that is started by one that has claimed the machine. */
export const claimedByParent = { TLT_TEST_MACHINE_CLAIMED: '1' } as const;

let claim: Promise<void> | undefined;

/** Waits until no other process has a test cluster. */
export const claimMachine = (): Promise<void> => {
  claim ??= process.env.TLT_TEST_MACHINE_CLAIMED ? Promise.resolve() : waitForMachine();
  return claim;
};

const waitForMachine = async (): Promise<void> => {
  for (let isFirst = true; !(await holdName('test-cluster')); isFirst = false) {
    if (isFirst) process.stderr.write('another test cluster runs on this machine; waiting for its end …\n');
    await sleep(500);
  }
};
