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
 * aborts.
 */
export interface KubeClient {
  read(resource: Resource, at: ObjectPath, signal: AbortSignal): Promise<unknown>;
  list(
    resource: Resource,
    at: ObjectPath & { readonly query?: Query },
    signal: AbortSignal,
  ): Promise<unknown>;
  create(resource: Resource, at: ObjectPath, body: object, signal: AbortSignal): Promise<unknown>;
  /** Server-side apply with our field manager; takes over fields that other managers own. */
  apply(resource: Resource, at: ObjectPath, body: object, signal: AbortSignal): Promise<unknown>;
  mergePatch(resource: Resource, at: ObjectPath, body: object, signal: AbortSignal): Promise<unknown>;
  /** Replaces the object. The apiserver responds 409 if the resourceVersion of the body is not the newest. */
  replace(resource: Resource, at: ObjectPath, body: object, signal: AbortSignal): Promise<unknown>;
  remove(resource: Resource, at: ObjectPath & { readonly uid?: string }, signal: AbortSignal): Promise<void>;
  /** The response of a watch: one JSON object per line, as long as the watch is open. */
  watch(
    resource: Resource,
    at: ObjectPath & { readonly query: Query },
    signal: AbortSignal,
  ): Promise<IncomingMessage>;
}

/** Field manager of all writes (Kubernetes, "Server-Side Apply"). */
export const fieldManager = installation.operator;

/** The connection to the apiserver, the clock for time limits, and the metrics of requests. */
export type ClientDeps = {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly metrics: RestMetrics;
};

/** Time limit for a whole response, or for the head of a watch: a connection can be dead without an error. */
const answerTimeoutMs = 30_000;

/** A client that sends each request once; only a 401 is sent again, with the renewed token. */
export const makeClient = (deps: ClientDeps): KubeClient => {
  const call = (exchange: ApiRequest) => requestJson(deps, exchange);
  const body = (value: object, type = 'application/json') => ({
    headers: { 'content-type': type },
    body: JSON.stringify(value),
  });
  return {
    read: (resource, at, signal) => call({ method: 'GET', path: pathOf(resource, at), signal }),
    list: (resource, { query = {}, ...at }, signal) =>
      call({ method: 'GET', path: `${pathOf(resource, at)}?${new URLSearchParams(query)}`, signal }),
    create: (resource, at, value, signal) =>
      call({
        method: 'POST',
        path: `${pathOf(resource, at)}?fieldManager=${fieldManager}`,
        ...body(value),
        signal,
      }),
    apply: (resource, at, value, signal) =>
      call({
        method: 'PATCH',
        path: `${pathOf(resource, at)}?fieldManager=${fieldManager}&force=true`,
        ...body(value, 'application/apply-patch+yaml'),
        signal,
      }),
    mergePatch: (resource, at, value, signal) =>
      call({
        method: 'PATCH',
        path: `${pathOf(resource, at)}?fieldManager=${fieldManager}`,
        ...body(value, 'application/merge-patch+json'),
        signal,
      }),
    replace: (resource, at, value, signal) =>
      call({
        method: 'PUT',
        path: `${pathOf(resource, at)}?fieldManager=${fieldManager}`,
        ...body(value),
        signal,
      }),
    remove: async (resource, { uid, ...at }, signal) => {
      const options = {
        propagationPolicy: 'Background',
        ...(uid !== undefined && { preconditions: { uid } }),
      };
      await call({ method: 'DELETE', path: pathOf(resource, at), ...body(options), signal });
    },
    watch: (resource, { query, ...at }, signal) =>
      openStream(deps, {
        method: 'GET',
        path: `${pathOf(resource, at)}?${new URLSearchParams(query)}`,
        signal,
      }),
  };
};

/**
 * Resolves with the head of a successful response. A rotated token gives one 401; the second attempt reads the new
 * token.
 */
const openResponse = async (
  deps: ClientDeps,
  exchange: ApiRequest,
  attempt = 1,
): Promise<IncomingMessage> => {
  const answer = await sendRequest(deps, exchange);
  const status = answer.statusCode ?? 0;
  deps.metrics.requests.inc({ code: String(status), method: exchange.method, host: deps.connection.host });
  if (status >= 200 && status < 300) return answer;
  const error = toApiError(
    describeRequest(exchange),
    status,
    await readText(answer),
    answer.headers['retry-after'],
  );
  if (status !== 401 || attempt > 1) throw error;
  deps.metrics.retries.inc({ code: '401', verb: exchange.method, host: deps.connection.host });
  return openResponse(deps, exchange, attempt + 1);
};

const sendRequest = async (
  { connection, metrics }: ClientDeps,
  exchange: ApiRequest,
): Promise<IncomingMessage> => {
  try {
    return await connection.send(exchange);
  } catch (cause) {
    exchange.signal.throwIfAborted();
    metrics.requests.inc({ code: '<error>', method: exchange.method, host: connection.host });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ApiError(
      { status: 0, reason: 'Unreachable', message: `${describeRequest(exchange)}: ${reason}` },
      cause,
    );
  }
};

const describeRequest = ({ method, path }: ApiRequest): string => `${method} ${path.split('?')[0]}`;

const requestJson = async (deps: ClientDeps, exchange: ApiRequest): Promise<unknown> => {
  const { clock, metrics, connection } = deps;
  const started = clock.elapsed();
  const limit = limitAnswerTime(deps, exchange);
  try {
    const text = await readText(await openResponse(deps, { ...exchange, signal: limit.signal }));
    const labels = { verb: exchange.method, host: connection.host };
    metrics.seconds.observe(labels, (clock.elapsed() - started) / 1000);
    metrics.requestBytes.observe(labels, Buffer.byteLength(exchange.body ?? ''));
    metrics.responseBytes.observe(labels, Buffer.byteLength(text));
    return text === '' ? undefined : JSON.parse(text);
  } finally {
    limit.end();
  }
};

/** Only the head has a time limit; the reader of the stream limits its silence. */
const openStream = async (deps: ClientDeps, exchange: ApiRequest): Promise<IncomingMessage> => {
  const limit = limitAnswerTime(deps, exchange);
  try {
    const answer = await openResponse(deps, { ...exchange, signal: limit.signal });
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

const limitAnswerTime = ({ clock, connection }: ClientDeps, exchange: ApiRequest): TimeLimit =>
  startTimeLimit(exchange.signal, {
    clock,
    limitMs: answerTimeoutMs,
    reason: () => {
      connection.closeIdle();
      const message = `${describeRequest(exchange)}: no response within ${answerTimeoutMs / 1000} s`;
      return new ApiError({ status: 0, reason: 'Timeout', message });
    },
  });

const readText = async (answer: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
};
