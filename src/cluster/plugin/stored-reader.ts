/** Reads files of claims, and objects, through a short-lived pod. */
import type { Clock } from '../../ground/base/clock.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { reasonOfExitCode } from '../../ground/base/failures.ts';
import { printable } from '../../ground/base/printable.ts';
import { isS3Uri } from '../../ground/base/s3-uri.ts';
import { pluginName } from '../../ground/contract/plugin-flags.ts';
import type { S3Settings } from '../../ground/contract/s3-settings.ts';
import { ApiError, isStatus } from '../runtime/api-error.ts';
import { CommandFailed, type PodExec } from '../runtime/pod-exec.ts';
import type { Reader } from './lists.ts';
import { readPod, readPodWarnings } from './reader-facts.ts';
import { absentExitCode, type ReaderPod, readCommand, readerContainer } from './reader-pod.ts';
import { stateOfReader } from './reader-state.ts';
import { createPod, deletePod } from './write.ts';

/** The cluster, a way into its pods, and where to report what the user waits for. */
export type ReadingContext = Reader & {
  readonly exec: PodExec;
  readonly clock: Clock;
  readonly notify: (text: string) => void;
  /** How the pod reaches object storage; undefined if the export has none. */
  readonly s3: S3Settings | undefined;
};

/** The bytes of the file of a URI. @throws UserError InputNotFound, StorageUnavailable, StorageDenied */
export type StoredReader = (uri: string) => AsyncGenerator<Buffer>;

/**
 * Runs the pod while `use` reads, and deletes it whatever happens.
 * @throws UserError StorageUnavailable if the pod does not start, and Internal if the user may not run it
 */
export const withStoredReader = async <T>(
  pod: ReaderPod,
  context: ReadingContext,
  use: (read: StoredReader) => Promise<T>,
): Promise<T> => {
  try {
    await createPod(context, pod);
    await waitUntilRunning(pod, context);
    return await use((uri) => readFile(uri, pod, context));
  } catch (thrown) {
    throw isStatus(thrown, 403) ? explainPermissions(pod, thrown) : thrown;
  } finally {
    await cleanUp(pod, context);
  }
};

/** The signal of the command may have aborted, which must not prevent this. */
const cleanUp = async ({ metadata }: ReaderPod, { client, notify }: ReadingContext): Promise<void> => {
  try {
    await deletePod({ client, signal: new AbortController().signal }, metadata);
  } catch (thrown) {
    if (isStatus(thrown, 403)) return; // Then it was not created, either, or the error above says so.
    const { namespace, name } = metadata;
    notify(
      `Deleting the pod ${name}: ${messageOf(thrown)}. It ends by itself within an hour; delete it with kubectl delete pod ${name} -n ${namespace}.`,
    );
  }
};

const explainPermissions = ({ metadata: { namespace } }: ReaderPod, thrown: unknown): UserError =>
  new UserError(
    'Internal',
    `Reading artifacts in namespace ${namespace}: ${messageOf(thrown)}. The files are read through a short-lived pod, for which you need the verbs create, get and delete on pods, and create and get on pods/exec, in this namespace.`,
    { cause: thrown },
  );

/** Long enough to pull the image of the operator. */
const startLimitMs = 300_000;
const pollMs = 500;
/** Between two looks at the events about the pod. */
const warningsMs = 10_000;

const waitUntilRunning = async ({ metadata }: ReaderPod, context: ReadingContext): Promise<void> => {
  const { clock, signal, notify } = context;
  const started = clock.elapsed();
  let shown = 'Pending';
  let nextLook = started + warningsMs;
  for (;;) {
    const state = stateOfReader(await readPod(context, metadata));
    if (state.kind === 'Running') return;
    let { why } = state;
    const now = clock.elapsed();
    if (now >= nextLook || state.kind === 'Failed') {
      nextLook = now + warningsMs;
      why = [why, ...(await readPodWarnings(context, metadata)).slice(-1)].join('; ');
      if (why !== shown) notify(`The pod ${metadata.name} waits: ${printable(why)}`);
      shown = why;
    }
    if (state.kind === 'Failed' || now - started > startLimitMs) throw notStarted(metadata, why);
    await clock.sleep(pollMs, signal);
  }
};

const notStarted = ({ namespace, name }: ReaderPod['metadata'], why: string): UserError =>
  new UserError(
    'StorageUnavailable',
    `Reading artifacts in namespace ${namespace}: the pod ${name} did not start (${why}), and was deleted. If its image cannot be pulled, pass another by --image; if a claim cannot be mounted, check its volume and the access modes.`,
  );

async function* readFile(
  uri: string,
  { metadata: { namespace, name: pod } }: ReaderPod,
  { exec, signal, s3 }: ReadingContext,
): AsyncGenerator<Buffer> {
  const command = { namespace, pod, container: readerContainer, command: readCommand(uri, s3) };
  try {
    yield* exec(command, signal);
  } catch (thrown) {
    throw explainRead(uri, thrown);
  }
}

const explainRead = (uri: string, thrown: unknown): unknown => {
  const refused = thrown instanceof CommandFailed && isS3Uri(uri) ? explainObject(uri, thrown) : undefined;
  if (refused !== undefined) return refused;
  if (thrown instanceof CommandFailed && thrown.exitCode === absentExitCode)
    return new UserError(
      'InputNotFound',
      `Fetching ${uri}: it does not exist, although status lists it. Run ${pluginName} verify, which creates missing files again.`,
      { cause: thrown },
    );
  const isBroken = thrown instanceof CommandFailed || (thrown instanceof ApiError && thrown.status === 0);
  if (!isBroken) return thrown;
  return new UserError('StorageUnavailable', `Fetching ${uri}: ${thrown.message}. Run the command again.`, {
    cause: thrown,
  });
};

/** The pod says itself why it cannot read an object, in its last line. */
const explainObject = (uri: string, failed: CommandFailed): UserError | undefined => {
  if (/Cannot find module/.test(failed.message))
    return new UserError(
      'Usage',
      `Fetching ${uri}: the image of the pod has no program that reads object storage. Pass the image of this release of the operator by --image.`,
      { cause: failed },
    );
  const reason = failed.exitCode === undefined ? undefined : reasonOfExitCode(failed.exitCode);
  const said = failed.message.trim().split('\n').at(-1) ?? '';
  if (reason === undefined || reason === 'Internal' || said === '') return undefined;
  const remedy =
    reason === 'InputNotFound' ? ` Status lists it: ${pluginName} verify creates missing files again.` : '';
  return new UserError(reason, `${printable(said)}${remedy}`, { cause: failed });
};
