/**
 * Jobs that the apiserver rejected: because of a quota, an admission policy, or an invalid field. Kept in memory until the
 * next reconcile. An invalid Job is then an attempt in status; any other create is repeated, also after a restart.
 */

import type { Clock } from '../../ground/base/clock.ts';
import { failureMessageLimit } from '../api/ledger.ts';
import type { Job } from '../jobs/job.ts';
import { ApiError } from '../runtime/api-error.ts';

/** A rejected create. */
export type Refusal = {
  readonly message: string;
  /** Whether the same Job may be accepted later, for example when quota is freed. An invalid Job stays invalid. */
  readonly canPass: boolean;
  /** Whether the next create is due. */
  readonly isDue: boolean;
};

type RefusalRecord = Pick<Refusal, 'message' | 'canPass'> & {
  readonly atMs: number;
  /** Whether the next create is due before its time. */
  readonly isDue?: true;
};

/** Delay until a rejected create is repeated, in milliseconds. */
export const refusalPauseMs = 60_000;

/**
 * An invalid Job stays invalid. Admission policies may also reject with 422, the default of ValidatingAdmissionPolicy, and
 * can change while the Job stays the same.
 */
const canPassLater = ({ status, message }: ApiError): boolean =>
  status !== 422 || /denied (the )?request/.test(message);

/** An apiserver without image volumes drops the field that it does not know, and misses the type of the volume. */
export const explainRefusal = ({ spec }: Pick<Job, 'spec'>, refusal: ApiError): ApiError => {
  const hasImages = /"image":\{"reference":/.test(JSON.stringify(spec));
  if (!hasImages || !refusal.message.includes('must specify a volume type')) return refusal;
  const { status, reason } = refusal;
  const message =
    'this cluster has no image volumes, which oci:// needs: upgrade Kubernetes to 1.35, enable its feature gate ImageVolume, or copy the files to a claim';
  return new ApiError({ status, reason, message });
};

/** The latest rejection of each Job. */
export class Refusals {
  readonly #clock: Pick<Clock, 'elapsed'>;
  /** By `<namespace>/<name of the Job>`, in the order of the latest rejection. */
  readonly #noted = new Map<string, RefusalRecord>();

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  note(job: string, refusal: ApiError): void {
    const atMs = this.#clock.elapsed();
    this.#noted.delete(job);
    this.#noted.set(job, {
      message: refusal.message.slice(0, failureMessageLimit),
      canPass: canPassLater(refusal),
      atMs,
    });
    // A requested Job is tried every minute, so an entry that is much older is obsolete.
    for (const [name, { atMs: then }] of this.#noted)
      if (atMs - then > 10 * refusalPauseMs) this.#noted.delete(name);
  }

  /** One Job of the namespace has ended: the create that was rejected first is due. */
  retryOldest(namespace: string): void {
    const oldest = [...this.#noted].find(
      ([job, { canPass, isDue }]) => canPass && !isDue && job.startsWith(`${namespace}/`),
    );
    if (oldest) this.#noted.set(oldest[0], { ...oldest[1], isDue: true });
  }

  forget(job: string): void {
    this.#noted.delete(job);
  }

  of(job: string): Refusal | undefined {
    const noted = this.#noted.get(job);
    if (noted === undefined) return undefined;
    const { message, canPass, atMs, isDue = false } = noted;
    return { message, canPass, isDue: isDue || this.#clock.elapsed() - atMs >= refusalPauseMs };
  }
}
