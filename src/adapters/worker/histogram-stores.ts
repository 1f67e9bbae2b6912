/** Where an export pod, and the pods that count parts of its images, keep histograms. */
import type { HistogramStore, PartStores } from '../../export/pipeline/request.ts';
import { parseHistogramFile } from '../../formats/scales/histogram-file.ts';
import { UserError } from '../../ground/base/errors.ts';
import { fileIn, histogramPartFile } from '../../ground/contract/layout.ts';
import type { PartsTask } from '../../ground/contract/task.ts';
import type { TaskContext } from './task-context.ts';

type Needs = Pick<TaskContext, 'store' | 'signal' | 'log'>;

/** Histograms that later exports of the same data reuse. A failed write is only a warning, because this export does not need the file. */
export const makeHistogramStore = (uri: string, needs: Needs): HistogramStore => ({
  ...makePartStore(uri, needs),
  write: (bytes) =>
    attempt(needs, 'The histograms were not stored.', () => needs.store.put(uri, bytes, needs.signal)),
});

/** Histograms of parts. They are the result of the pods that count, so a failed write is an error. */
export const makePartStores = ({ of, folder }: PartsTask, needs: Needs): PartStores => ({
  of,
  store: (part) => makePartStore(histogramPartFile(folder, { part, of }), needs),
  clear: async () => {
    const { store, signal } = needs;
    await attempt(needs, 'The histograms of the parts were not removed.', async () => {
      for (const name of await store.list(folder, signal)) await store.remove(fileIn(folder, name), signal);
    });
  },
});

const makePartStore = (uri: string, { store, signal }: Needs): HistogramStore => ({
  name: uri,
  owner: 'Reuse',
  drawnFrom: undefined,
  read: async () => {
    const bytes = await store.read(uri, 'histogramBytes', signal);
    return bytes && parseHistogramFile(bytes);
  },
  write: async (bytes) => {
    await store.put(uri, bytes, signal);
    return true;
  },
});

const attempt = async (
  { signal, log }: Needs,
  failed: string,
  change: () => Promise<unknown>,
): Promise<boolean> => {
  try {
    await change();
    return true;
  } catch (thrown) {
    if (!(thrown instanceof UserError) || signal.aborted) throw thrown;
    log('WARNING', `${failed} ${thrown.message}`);
    return false;
  }
};
