/**
 * What status records about the attempts at one artifact. It outlives Jobs and pods, so a failure counts even after its
 * Job is deleted.
 */

import { integer, list, object, text, type ValueOf } from '../../ground/contract/schema.ts';
import { annotations } from './labels.ts';

const time = (description: string) => text(description, { format: 'date-time', maxLength: 64 });

/** Maximum length of a request token in status. */
export const requestLimit = 128;

/** Maximum length of a message that the operator writes about one failure. */
export const failureMessageLimit = 1000;

const attempt = (description: string) =>
  object(
    description,
    {
      number: integer('Number of this attempt for wantedKey, starting at 1.', { minimum: 1 }),
      job: text('Name of the Job.'),
      jobUid: text('UID of the Job; absent if the apiserver rejected it.', { maxLength: 64 }),
      template: text("Hash of the Job's template. A Job with another template is retried at once.", {
        maxLength: 64,
      }),
      reason: text('Reason of the failure.', { maxLength: 128 }),
      message: text('Message of the failure.', { maxLength: 1024 }),
      node: text('Node of the pod.'),
      finishedAt: time('When the Job failed.'),
    },
    { required: ['number', 'job', 'template', 'reason', 'message', 'finishedAt'] },
  );

/** Maximum number of attempts in status. Older ones are dropped; the numbering continues. */
export const keptAttempts = 5;

/** Schema fields of a ledger, which every artifact in status has. */
export const ledgerFields = {
  wantedKey: text('Content key of the artifact that the spec requests, once it is known.', { maxLength: 64 }),
  attempts: list(
    `Failed Jobs for wantedKey, and Jobs that the apiserver rejected as invalid: the last ${keptAttempts}, newest last.`,
    attempt('A failed or rejected Job.'),
    { maxItems: keptAttempts },
  ),
  lastFailure: attempt('The last failed Job for this artifact, even if a later Job succeeded.'),
  nextAttempt: time('When the next Job is created, after a transient failure.'),
  verifiedRequest: text(
    `Last value of the annotation ${annotations.verifyRequestedAt} for which the artifact was checked; a digest if the value is long.`,
    { maxLength: requestLimit },
  ),
  startedAt: time('When the pod of the last Job started to run.'),
  finishedAt: time('When the pod that produced the artifact finished.'),
} as const;

/** Schema of the token by which a handled `requested-at` is recognized. */
export const lastHandledRequest = text(
  `Last handled value of the annotation ${annotations.requestedAt}; a digest if the value is long.`,
  { maxLength: requestLimit },
);

const ledger = object('Attempts at one artifact.', ledgerFields);

/** The attempts at one artifact. */
export type Ledger = ValueOf<typeof ledger>;
/** One failed attempt. */
export type Attempt = ValueOf<ReturnType<typeof attempt>>;
