/**
 * What status remembers of the work on one artifact. Jobs and pods come and go; this stays, so that a failure counts
 * whatever becomes of the Job that failed.
 */
import { integer, list, object, text, type ValueOf } from '../../ground/contract/schema.ts';

const time = (description: string) => text(description, { format: 'date-time', maxLength: 64 });

const attempt = (description: string) =>
  object(
    description,
    {
      number: integer('How many Jobs had been made for this key, this one included.', { minimum: 1 }),
      job: text('Name of the Job.'),
      jobUid: text('UID of the Job.', { maxLength: 64 }),
      template: text('Hash of the template of the Job: another template is another try.', { maxLength: 64 }),
      reason: text('Why it ended, in one word.', { maxLength: 128 }),
      message: text('Why it ended, in a sentence.', { maxLength: 1024 }),
      node: text('Node of its pod.'),
      finishedAt: time('When it ended.'),
    },
    { required: ['number', 'job', 'jobUid', 'template', 'reason', 'message', 'finishedAt'] },
  );

/** As many attempts as status keeps; their numbers go on. */
export const keptAttempts = 5;

export const ledgerFields = {
  wantedKey: text('Content key of what the spec asks for, once it is known.', { maxLength: 64 }),
  attempts: list(
    `Jobs that failed for wantedKey, the latest last and at most ${keptAttempts} of them.`,
    attempt('A Job that failed.'),
    { maxItems: keptAttempts },
  ),
  lastFailure: attempt('The latest Job that failed for this artifact, whatever was made since.'),
  nextAttempt: time('When the next Job is made, after a failure that can pass.'),
  verifiedRequest: text(
    'The latest value of the annotation export.tlt.dev/verify-requested-at for which the artifact was checked; a digest of a long one.',
    { maxLength: 128 },
  ),
  startedAt: time('When the pod of the latest Job started to run.'),
  finishedAt: time('When the pod that made the artifact was done.'),
} as const;

export const lastHandledRequest = text(
  'The latest value of the annotation export.tlt.dev/requested-at that was handled; a digest of a long one.',
  { maxLength: 128 },
);

const ledger = object('The work on one artifact.', ledgerFields);

export type Ledger = ValueOf<typeof ledger>;
export type Attempt = ValueOf<ReturnType<typeof attempt>>;
