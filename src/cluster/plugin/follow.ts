/** Follows one ModelExport through a watch of the apiserver. */
import type { Clock } from '../../ground/base/clock.ts';
import { UserError } from '../../ground/base/errors.ts';
import { resourceOf } from '../api/group.ts';
import type { ModelExport } from '../api/model-export.ts';
import { watchEvents } from '../runtime/watch-events.ts';
import type { Reader, ReadTarget } from './lists.ts';
import { readModelExport } from './read.ts';

/** The apiserver sends a bookmark about once a minute. */
const silenceMs = 90_000;
/** Between two watches. */
const pauseMs = 1000;

/**
 * The object now, and after each change, until the caller stops. A watch that ends is opened again.
 * @throws UserError InputNotFound, if the object does not exist or is deleted
 */
export async function* followModelExport(
  reader: Reader & { readonly clock: Clock },
  target: ReadTarget,
): AsyncGenerator<ModelExport> {
  for (;;) {
    const current = await readModelExport(reader, target);
    yield current;
    yield* watchOnce(reader, target, current.metadata.resourceVersion);
    await reader.clock.sleep(pauseMs, reader.signal);
  }
}

/** Ends with the watch; an error of the connection or of the server ends it, too, and the next read shows if it persists. */
async function* watchOnce(
  { client, signal, clock }: Reader & { readonly clock: Clock },
  { namespace, name }: ReadTarget,
  resourceVersion: string,
): AsyncGenerator<ModelExport> {
  const query = {
    watch: 'true',
    allowWatchBookmarks: 'true',
    fieldSelector: `metadata.name=${name}`,
    resourceVersion,
  };
  const answer = await client.stream(resourceOf('ModelExport'), { namespace, query }, signal);
  try {
    for await (const { type, object } of watchEvents(answer, { clock, silenceMs })) {
      if (type === 'ERROR') return;
      if (type === 'DELETED') throw wasDeleted({ namespace, name });
      if (type !== 'BOOKMARK') yield object as ModelExport;
    }
  } catch (thrown) {
    if (thrown instanceof UserError || signal.aborted) throw thrown;
  } finally {
    answer.destroy();
  }
}

const wasDeleted = ({ namespace, name }: ReadTarget): UserError =>
  new UserError(
    'InputNotFound',
    `Watching the ModelExport ${name} in namespace ${namespace}: it was deleted.`,
  );
