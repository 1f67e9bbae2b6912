/** Reads files of claims through a short-lived pod. */
import type { Clock } from '../../ground/base/clock.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { printable } from '../../ground/base/printable.ts';
import { pluginName } from '../../ground/contract/plugin-flags.ts';
import { ApiError, isStatus } from '../runtime/api-error.ts';
import { CommandFailed, type PodExec } from '../runtime/pod-exec.ts';
import type { Reader } from './lists.ts';
import { readPod, readPodWarnings } from './reader-facts.ts';
import { absentExitCode, type ReaderPod, readCommand, readerContainer } from './reader-pod.ts';
import { stateOfReader } from './reader-state.ts';
import { createPod, deletePod } from './write.ts';

/** The cluster, a way into its pods, and where to report what the user waits for. */
export type ClaimContext = Reader & {
  readonly exec: PodExec;
  readonly clock: Clock;
  readonly notify: (text: string) => void;
};

/** The bytes of the file of a URI. @throws UserError InputNotFound, StorageUnavailable */
export type ClaimReader = (uri: string) => AsyncGenerator<Buffer>;

/**
 * Runs the pod while `use` reads, and deletes it whatever happens.
 * @throws UserError StorageUnavailable if the pod does not start, and Internal if the user may not run it
 */
export const withClaimReader = async <T>(
  pod: ReaderPod,
  context: ClaimContext,
  use: (read: ClaimReader) => Promise<T>,
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
const cleanUp = async ({ metadata }: ReaderPod, { client, notify }: ClaimContext): Promise<void> => {
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
    `Reading the claims of namespace ${namespace}: ${messageOf(thrown)}. The files are read through a short-lived pod, for which you need the verbs create, get and delete on pods, and create and get on pods/exec, in this namespace.`,
    { cause: thrown },
  );

/** Long enough to pull the image of the operator. */
const startLimitMs = 300_000;
const pollMs = 500;
/** Between two looks at the events about the pod. */
const warningsMs = 10_000;

const waitUntilRunning = async ({ metadata }: ReaderPod, context: ClaimContext): Promise<void> => {
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
    `Reading the claims of namespace ${namespace}: the pod ${name} did not start (${why}), and was deleted. If its image cannot be pulled, pass another by --image; if a claim cannot be mounted, check its volume and the access modes.`,
  );

async function* readFile(
  uri: string,
  { metadata: { namespace, name: pod } }: ReaderPod,
  { exec, signal }: ClaimContext,
): AsyncGenerator<Buffer> {
  const command = { namespace, pod, container: readerContainer, command: readCommand(uri) };
  try {
    yield* exec(command, signal);
  } catch (thrown) {
    throw explainRead(uri, thrown);
  }
}

const explainRead = (uri: string, thrown: unknown): unknown => {
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
