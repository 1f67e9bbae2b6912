/** Faults of the network between an operator and its apiserver, injected through a proxy. */
import type http from 'node:http';
import type { Fault, FaultProxy } from '../runtime/fault-proxy.ts';

export type NamedFault = {
  readonly name: string;
  /** How long it lasts. */
  readonly ms: number;
  readonly fault: Fault;
  /** Whether open connections are cut when it begins, so that it meets watches as well. */
  readonly cuts?: boolean;
};

type Request = http.IncomingMessage;

const isWatch = ({ url = '' }: Request): boolean => url.includes('watch=true');
const isList = (request: Request): boolean =>
  request.method === 'GET' && request.url!.includes('limit=') && !isWatch(request);
const isUpdate = ({ method }: Request): boolean => method === 'PUT' || method === 'PATCH';
const isJobCreation = ({ method, url = '' }: Request): boolean => method === 'POST' && url.includes('/jobs');
const isLease = ({ url = '' }: Request): boolean => url.includes('/leases');

const statusOf = (code: number, reason: string): string =>
  JSON.stringify({ kind: 'Status', code, reason, message: `by the test: ${reason}` });

const answer =
  (code: number, reason: string, headers: http.OutgoingHttpHeaders = {}): Fault =>
  (_request, response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(statusOf(code, reason));
    return 'handled';
  };

/** The fault where it applies; renewals of the lease pass, so that the leader stays the same. */
const where =
  (applies: (request: Request) => boolean, fault: Fault): Fault =>
  (request, response) =>
    !isLease(request) && applies(request) ? fault(request, response) : 'pass';

const every = (): boolean => true;

const streamed =
  (text: string): Fault =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    return 'handled';
  };

const silent: Fault = () => 'handled';
const silentAfterHead: Fault = (_request, response) => {
  response.writeHead(200).flushHeaders();
  return 'handled';
};

/** Every second one: a client that tries again gets through. */
const alternately = (fault: Fault): Fault => {
  let count = 0;
  return (request, response) => (count++ % 2 === 0 ? fault(request, response) : 'pass');
};

const expired = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } })}\n`;

/** Watches expire at once, so that lists follow, and lists take 30 s. */
function expiredThenSlow(): Fault {
  const tooOld = answer(410, 'Expired');
  return (request, response) => {
    if (isList(request)) return 'very late';
    return isWatch(request) ? tooOld(request, response) : 'pass';
  };
}

/** Faults that last seconds. */
export const quickFaults: readonly NamedFault[] = [
  { name: 'connections are cut', ms: 0, fault: () => 'pass', cuts: true },
  {
    name: 'watches break in the middle of a line',
    ms: 2000,
    cuts: true,
    fault: where(isWatch, streamed('{"type":"MODIFIED","object":{"meta')),
  },
  { name: 'watches close at once', ms: 3000, cuts: true, fault: where(isWatch, streamed('')) },
  {
    name: '410 at the start of watches',
    ms: 2000,
    cuts: true,
    fault: where(isWatch, answer(410, 'Expired')),
  },
  { name: '410 in the stream of watches', ms: 2000, cuts: true, fault: where(isWatch, streamed(expired)) },
  {
    name: '429 with Retry-After',
    ms: 2000,
    fault: where(every, answer(429, 'TooManyRequests', { 'retry-after': '1' })),
  },
  {
    name: '500 to every second request',
    ms: 3000,
    cuts: true,
    fault: where(every, alternately(answer(500, 'InternalError'))),
  },
  {
    name: '503 to all requests',
    ms: 3000,
    cuts: true,
    fault: where(every, answer(503, 'ServiceUnavailable')),
  },
  { name: '409 to every update', ms: 3000, fault: where(isUpdate, answer(409, 'Conflict')) },
  {
    name: '401 to every second request, as after a rotation',
    ms: 2000,
    fault: where(every, alternately(answer(401, 'Unauthorized'))),
  },
  { name: 'lists that take seconds', ms: 4000, cuts: true, fault: where(isList, () => 'late') },
  { name: 'writes that are done but not answered', ms: 2000, fault: where(isUpdate, () => 'cut after') },
  { name: 'events twice, and late', ms: 3000, cuts: true, fault: where(isWatch, () => 'stutter') },
];

/** Faults that time limits of half a minute and more detect, or that last as long. */
export const slowFaults: readonly NamedFault[] = [
  { name: 'watches that never begin', ms: 1000, cuts: true, fault: where(isWatch, silent) },
  { name: 'watches that are silent', ms: 1000, cuts: true, fault: where(isWatch, silentAfterHead) },
  {
    name: '503 to all requests for a minute',
    ms: 60_000,
    cuts: true,
    fault: where(every, answer(503, 'ServiceUnavailable')),
  },
  {
    name: '503 to all requests for a minute, renewals of the lease included',
    ms: 60_000,
    cuts: true,
    fault: answer(503, 'ServiceUnavailable'),
  },
  { name: 'lists that take 30 s', ms: 5000, cuts: true, fault: expiredThenSlow() },
  {
    name: '403 to every Job, as a quota answers',
    ms: 3000,
    fault: where(isJobCreation, answer(403, 'Forbidden')),
  },
];

export const injectFault = async (
  proxies: readonly FaultProxy[],
  { fault, ms, cuts }: NamedFault,
): Promise<void> => {
  for (const proxy of proxies) {
    proxy.fault = fault;
    if (cuts) proxy.cut();
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  for (const proxy of proxies) proxy.fault = () => 'pass';
};
