/**
 * Who may read a page: as the apiserver decides, by a TokenReview (who is it) and a SubjectAccessReview (may they). What
 * Prometheus needs is a token and the ClusterRole that grants `get` on the path.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../ground/base/clock.ts';
import { sha256 } from '../../ground/base/digest.ts';
import type { KubeClient } from './client.ts';
import type { PageHandler } from './probes.ts';
import type { Resource } from './resources.ts';

export type ReviewDeps = {
  readonly client: Pick<KubeClient, 'create'>;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly signal: AbortSignal;
};

const tokenReviews: Resource = { group: 'authentication.k8s.io', version: 'v1', plural: 'tokenreviews' };
const accessReviews: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
};

type AccessStatus = 200 | 401 | 403;

/** A scraper asks every few seconds; a right that is taken away ends within this time. */
const cachedMs = 60_000;
/** Of a flood of made-up tokens no more is remembered. */
const cacheLimit = 1000;

/** The page for those who may `get` the path, 401 or 403 for others, 500 where the apiserver does not answer. */
export const authorisePage = (path: string, page: PageHandler, deps: ReviewDeps): PageHandler => {
  const remembered = new Map<string, { readonly verdict: AccessStatus; readonly untilMs: number }>();
  const verdictOn = async (token: string): Promise<AccessStatus> => {
    const key = sha256(token);
    const known = remembered.get(key);
    const now = deps.clock.elapsed();
    if (known && known.untilMs > now) return known.verdict;
    const verdict = await reviewAccess(token, path, deps);
    if (remembered.size >= cacheLimit) remembered.clear();
    remembered.set(key, { verdict, untilMs: now + cachedMs });
    return verdict;
  };
  return async (request) => {
    const token = readBearerToken(request);
    const status = token === undefined ? 401 : await verdictOn(token);
    return status === 200 ? page(request) : { status, body: refusalTexts[status] };
  };
};

const refusalTexts = {
  401: 'a bearer token of this cluster is needed\n',
  403: 'the token has no right to get this path\n',
} as const;

/** The longest tokens of ServiceAccounts have about 2 KB. */
const longestToken = 16 * 1024;

const readBearerToken = ({ headers }: IncomingMessage): string | undefined => {
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return token !== undefined && token.length <= longestToken ? token : undefined;
};

type TokenReview = {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
};

const reviewAccess = async (
  token: string,
  path: string,
  { client, signal }: ReviewDeps,
): Promise<AccessStatus> => {
  const reviewed = (await client.create(
    tokenReviews,
    {},
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    signal,
  )) as TokenReview;
  const { authenticated, user } = reviewed.status ?? {};
  if (authenticated !== true || user === undefined) return 401;
  const { username, uid, groups, extra } = user;
  const spec = { user: username, uid, groups, extra, nonResourceAttributes: { path, verb: 'get' } };
  const answer = (await client.create(
    accessReviews,
    {},
    { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec },
    signal,
  )) as { readonly status?: { readonly allowed?: boolean } };
  return answer.status?.allowed === true ? 200 : 403;
};
