/** The state of the tensorfile: stored, being written, to be started, waiting, or failed. Pure. */

import { toArtifact } from '../../ground/contract/artifact.ts';
import { isIn, tensorfileFolder } from '../../ground/contract/layout.ts';

import type { TensorfileWritten } from '../../ground/contract/result.ts';
import type { CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import type { Ledger } from '../api/ledger.ts';
import type { Job } from '../jobs/job.ts';
import { computeTensorfileKey } from '../jobs/keys.ts';
import { planJob } from '../jobs/template.ts';
import { makeTensorfileJob } from '../jobs/tensorfile-job.ts';
import { type ArtifactPlan, assessArtifact, deadlineMsOf } from '../ownedjobs/artifact.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import { describeObstruction, type Obstruction } from '../ownedjobs/obstruction.ts';
import { placeByVolumes } from '../ownedjobs/one-node.ts';
import type { Outcome } from '../ownedjobs/outcome.ts';
import { requestedVerification, requestsRetry } from '../ownedjobs/request.ts';
import type { ObservedTensorfile } from './observe.ts';

/** The stored tensorfile in status. It outlives the Job. */
export type StoredTensorfile = Pick<CalibrationTensorfileStatus, 'key' | 'tensorfile'>;

/** Where the tensorfile is. `retry` is a rejected Job whose next create is due. */
export type TensorfileState =
  | {
      readonly kind: 'Written';
      readonly stored: StoredTensorfile;
      readonly verifies?: ObservedJob;
      readonly toVerify?: Job;
    }
  | { readonly kind: 'Writing'; readonly job: ObservedJob }
  | { readonly kind: 'ToWrite'; readonly job: Job }
  | Obstruction;

/** The tensorfile: its state, and the attempts to record in status. `lookAtMs` is in milliseconds since the epoch. */
export type TensorfileStage = {
  readonly state: TensorfileState;
  readonly ledger: Ledger;
  readonly lookAtMs?: number;
  readonly outcomes?: readonly Outcome[];
  readonly needsFreshPods?: true;
};

/** The state of the tensorfile. */
export const assessTensorfile = ({
  tensorfile,
  jobs,
  images,
  now,
  obstacles,
}: ObservedTensorfile): TensorfileStage => {
  const { status = {}, spec, metadata } = tensorfile;
  const key = computeTensorfileKey(tensorfile);
  const folder = tensorfileFolder(spec.output.uri, key);
  const step: ArtifactPlan = {
    stage: 'tensorfile',
    owner: metadata.name,
    key,
    folder,
    isStored: status.key === key && isIn(folder, status.tensorfile?.uri),
    ...planJob(() => placeByVolumes(makeTensorfileJob(tensorfile, images), obstacles.findClaim)),
    deadlineMs: deadlineMsOf(spec.jobs?.tensorfile),
  };
  const witness = {
    before: status,
    jobs,
    now,
    obstacles,
    isRetryRequested: requestsRetry(tensorfile),
    verification: requestedVerification(tensorfile),
  };
  const { state, ...rest } = assessArtifact(step, witness);
  switch (state.kind) {
    case 'Stored':
      return {
        ...rest,
        state: { ...state, kind: 'Written', stored: { key, tensorfile: status.tensorfile! } },
      };
    case 'Made': {
      const { tensorfile: written } = state.result as TensorfileWritten;
      return {
        ...rest,
        state: { kind: 'Written', stored: { key, tensorfile: toArtifact(folder, written) } },
      };
    }
    case 'Running':
      return { ...rest, state: { kind: 'Writing', job: state.job } };
    case 'Start':
      return { ...rest, state: { kind: 'ToWrite', job: state.job } };
    default:
      return { ...rest, state: describeObstruction(state) };
  }
};
