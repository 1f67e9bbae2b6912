/** The newest report of each running pod, kept in memory: a new leader reads them again. */
import { isSameJson } from '../../ground/base/same-json.ts';
import type { Key } from '../runtime/resources.ts';
import type { PodObject } from './kube-shapes.ts';
import type { ReadReport } from './observed-job.ts';

/** Reports by the key of their pod. */
export class Reports {
  readonly #read = new Map<Key, { readonly uid: string; readonly report: ReadReport }>();

  /** Notes a report. @returns whether it differs from the last one by more than its time, which then stays as it was */
  note({ metadata }: PodObject, report: ReadReport): boolean {
    const known = this.of({ metadata });
    if (known !== undefined && isSameJson(known, report, ['readAtMs'])) return false;
    this.#read.set(keyOfPod({ metadata }), { uid: metadata.uid, report });
    return true;
  }

  of({ metadata }: PodObject): ReadReport | undefined {
    const entry = this.#read.get(keyOfPod({ metadata }));
    return entry?.uid === metadata.uid ? entry.report : undefined;
  }

  forget(pod: Key): void {
    this.#read.delete(pod);
  }
}

const keyOfPod = ({ metadata: { namespace, name } }: PodObject): Key => `${namespace}/${name}`;
