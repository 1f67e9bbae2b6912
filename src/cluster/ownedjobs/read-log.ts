/** Reads the end of the log of a container, within limits of bytes and time. */
import type { Clock } from '../../ground/base/clock.ts';
import type { KubeClient } from '../runtime/client.ts';
import { startTimeLimit } from '../runtime/time-limit.ts';
import { jobResources } from './caches.ts';
import type { PodObject } from './kube-shapes.ts';

/** What reading logs requires. */
export type LogReaderDeps = {
  readonly client: Pick<KubeClient, 'stream'>;
  readonly clock: Clock;
};

/** Time limit of one read, in milliseconds. */
const limitMs = 5000;
/** The lines that are read, and the limit on their bytes: a report and a few warnings. */
const tail = { tailLines: '8', limitBytes: String(16 * 1024) } as const;

/** Whose log. */
export type ContainerLog = { readonly pod: PodObject; readonly container: string };

/**
 * The end of the log. It is not read beyond its limit, whatever the kubelet sends.
 * @throws ApiError; Error if the log does not end in time
 */
export const readLogTail = async (
  { client, clock }: LogReaderDeps,
  { pod, container }: ContainerLog,
  signal: AbortSignal,
): Promise<string> => {
  const { namespace, name } = pod.metadata;
  const reason = () => new Error(`the log did not end within ${limitMs / 1000} s`);
  const limit = startTimeLimit(signal, { clock, limitMs, reason });
  try {
    const at = { namespace, name, subresource: 'log', query: { container, ...tail } };
    const answer = await client.stream(jobResources.pods, at, limit.signal);
    let text = '';
    // Leaving the loop early destroys the response.
    for await (const part of answer.setEncoding('utf8')) {
      text += part;
      if (text.length > Number(tail.limitBytes)) break;
    }
    return text;
  } finally {
    limit.end();
  }
};
