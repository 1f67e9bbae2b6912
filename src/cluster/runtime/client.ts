/**
 * The Kubernetes API as raw JSON. Takes typed paths, returns plain objects, and throws ApiError for every other
 * response.
 */

import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../ground/base/clock.ts';
import { installation } from '../../ground/contract/installation.ts';
import type { RestMetrics } from '../../ground/observability/metrics.ts';
import { ApiError, toApiError } from './api-error.ts';
import type { ApiRequest, Connection } from './connection.ts';
import { type ObjectPath, pathOf, type Resource } from './resources.ts';
import { startTimeLimit, type TimeLimit } from './time-limit.ts';

/** Query parameters by name. */
export type Query = Readonly<Record<string, string>>;

/**
 * One method per verb. Each rejects with ApiError for a response outside 2xx, and with the signal's reason once it
 * aborts. Of a write, the apiserver returns the whole object, which nobody reads: the caches show it.
 */
export interface KubeClient {
  read(resource: Resource, at: ObjectPath, signal: AbortSignal): Promise<unknown>;
  list(
    resource: Resource,
    at: ObjectPath & { readonly query?: Query },
    signal: AbortSignal,
  ): Promise<unknown>;
  create(resource: Resource, at: ObjectPath, body: object, signal: AbortSignal): Promise<void>;
  /** Creates what is not stored, such as a review: the response is the answer. */
  review(resource: Resource, at: ObjectPath, body: object, signal: AbortSignal): Promise<unknown>;
  mergePatch(resource: Resource, at: ObjectPath, body: object, signal: AbortSignal): Promise<void>;
  /** Replaces the object. The apiserver responds 409 if the resourceVersion of the body is not the newest. */
  replace(resource: Resource, at: ObjectPath, body: object, signal: AbortSignal): Promise<void>;
  remove(resource: Resource, at: ObjectPath & { readonly uid?: string }, signal: AbortSignal): Promise<void>;
  /** A response that is read while it arrives: of a watch, one JSON object per line until the watch ends; of a log, its text. */
  stream(
    resource: Resource,
    at: ObjectPath & { readonly query: Query },
    signal: AbortSignal,
  ): Promise<IncomingMessage>;
}

/** Field manager of the operator's writes (Kubernetes, "Server-Side Apply"). */
export const fieldManager = installation.operator;

/** The connection to the apiserver, the clock for time limits, and the metrics of requests. */
export type ClientDeps = {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly metrics: RestMetrics;
  /** Field manager of all writes; that of the operator by default. */
  readonly manager?: string;
};

/** Time limit for a whole response, or for the head of a stream: a connection can be dead without an error. */
const answerTimeoutMs = 30_000;

/**
 * Time limit for a list, which takes long on a busy server: more than the apiserver's own limit on a request
 * (--request-timeout, 60 s by default), so that every list that it would answer is awaited.
 */
const listTimeoutMs = 75_000;

/** Content types of request bodies (Kubernetes, "Update API Objects in Place Using kubectl patch"). */
const contentTypes = {
  json: 'application/json',
  mergePatch: 'application/merge-patch+json',
} as const;

const queryPath = (resource: Resource, at: ObjectPath, query: Query): string =>
  `${pathOf(resource, at)}?${new URLSearchParams(query)}`;

const bodyOf = (value: object, type: keyof typeof contentTypes): Pick<ApiRequest, 'headers' | 'body'> => ({
  headers: { 'content-type': contentTypes[type] },
  body: JSON.stringify(value),
});

/** A client that sends each request once; only a 401 is sent again, with the renewed token. */
export const makeClient = (deps: ClientDeps): KubeClient => {
  const { manager = fieldManager } = deps;
  const writePath = (resource: Resource, at: ObjectPath): string =>
    `${pathOf(resource, at)}?fieldManager=${manager}`;
  const write = (
    request: Pick<ApiRequest, 'method' | 'path' | 'signal'>,
    value: object,
    type: keyof typeof contentTypes = 'json',
  ) => requestOnly(deps, { ...request, ...bodyOf(value, type) });
  return {
    read: (resource, at, signal) => requestJson(deps, { method: 'GET', path: pathOf(resource, at), signal }),
    list: (resource, { query = {}, ...at }, signal) =>
      requestJson(deps, { method: 'GET', path: queryPath(resource, at, query), signal }, listTimeoutMs),
    create: (resource, at, value, signal) =>
      write({ method: 'POST', path: writePath(resource, at), signal }, value),
    review: (resource, at, value, signal) =>
      requestJson(deps, { method: 'POST', path: pathOf(resource, at), signal, ...bodyOf(value, 'json') }),
    mergePatch: (resource, at, value, signal) =>
      write({ method: 'PATCH', path: writePath(resource, at), signal }, value, 'mergePatch'),
    replace: (resource, at, value, signal) =>
      write({ method: 'PUT', path: writePath(resource, at), signal }, value),
    remove: (resource, { uid, ...at }, signal) => {
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      const options = { propagationPolicy: 'Background', ...preconditions };
      return write({ method: 'DELETE', path: pathOf(resource, at), signal }, options);
    },
    stream: (resource, { query, ...at }, signal) =>
      openStream(deps, { method: 'GET', path: queryPath(resource, at, query), signal }),
  };
};

/**
 * Resolves with the head of a successful response. A rotated token gives one 401; the second attempt reads the new
 * token.
 */
const openResponse = async (deps: ClientDeps, request: ApiRequest, attempt = 1): Promise<IncomingMessage> => {
  const answer = await sendRequest(deps, request);
  const status = answer.statusCode ?? 0;
  deps.metrics.requests.inc({ code: String(status), method: request.method, host: deps.connection.host });
  if (status >= 200 && status < 300) return answer;
  const error = toApiError(
    describeRequest(request),
    status,
    await readText(answer),
    answer.headers['retry-after'],
  );
  if (status !== 401 || attempt > 1) throw error;
  deps.metrics.retries.inc({ code: '401', verb: request.method, host: deps.connection.host });
  return openResponse(deps, request, attempt + 1);
};

const sendRequest = async (
  { connection, metrics }: ClientDeps,
  request: ApiRequest,
): Promise<IncomingMessage> => {
  try {
    return await connection.send(request);
  } catch (cause) {
    request.signal.throwIfAborted();
    metrics.requests.inc({ code: '<error>', method: request.method, host: connection.host });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ApiError(
      { status: 0, reason: 'Unreachable', message: `${describeRequest(request)}: ${reason}` },
      cause,
    );
  }
};

const describeRequest = ({ method, path }: ApiRequest): string => `${method} ${path.split('?')[0]}`;

const requestJson = async (
  deps: ClientDeps,
  request: ApiRequest,
  limitMs = answerTimeoutMs,
): Promise<unknown> => {
  const parts: Buffer[] = [];
  await exchange(deps, request, { limitMs, take: (part) => parts.push(part) });
  return parts.length === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString('utf8'));
};

/** Waits for the end of the response and drops its content. */
const requestOnly = (deps: ClientDeps, request: ApiRequest): Promise<void> =>
  exchange(deps, request, { limitMs: answerTimeoutMs, take: () => {} });

type Reading = { readonly limitMs: number; readonly take: (part: Buffer) => void };

const exchange = async (deps: ClientDeps, request: ApiRequest, { limitMs, take }: Reading): Promise<void> => {
  const { clock, metrics, connection } = deps;
  const started = clock.elapsed();
  const limit = limitAnswerTime(deps, request, limitMs);
  let bytes = 0;
  try {
    await readParts(await openResponse(deps, { ...request, signal: limit.signal }), (part) => {
      bytes += part.length;
      take(part);
    });
    const labels = { verb: request.method, host: connection.host };
    metrics.seconds.observe(labels, (clock.elapsed() - started) / 1000);
    metrics.requestBytes.observe(labels, Buffer.byteLength(request.body ?? ''));
    metrics.responseBytes.observe(labels, bytes);
  } finally {
    limit.end();
  }
};

/** Only the head has a time limit; the reader of the stream limits its silence. */
const openStream = async (deps: ClientDeps, request: ApiRequest): Promise<IncomingMessage> => {
  const limit = limitAnswerTime(deps, request, answerTimeoutMs);
  try {
    const answer = await openResponse(deps, { ...request, signal: limit.signal });
    limit.lift();
    answer.once('close', () => limit.end());
    // A broken stream is often a broken network, so idle connections are probably dead too.
    answer.once('error', () => deps.connection.closeIdle());
    return answer;
  } catch (thrown) {
    limit.end();
    throw thrown;
  }
};

const limitAnswerTime = (
  { clock, connection }: ClientDeps,
  request: ApiRequest,
  limitMs: number,
): TimeLimit =>
  startTimeLimit(request.signal, {
    clock,
    limitMs,
    reason: () => {
      connection.closeIdle();
      const message = `${describeRequest(request)}: no response within ${limitMs / 1000} s`;
      return new ApiError({ status: 0, reason: 'Timeout', message });
    },
  });

const readText = async (answer: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  await readParts(answer, (part) => parts.push(part));
  return Buffer.concat(parts).toString('utf8');
};

/** By events: an iterator costs more than the rest of a short response. */
const readParts = (answer: IncomingMessage, take: (part: Buffer) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    answer.on('data', take);
    answer.on('end', resolve);
    answer.on('error', reject);
    answer.on('close', () => reject(new Error('the connection was closed within the response')));
  });
