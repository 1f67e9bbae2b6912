/**
 * Delegates authorization of a page to the apiserver: TokenReview identifies the client, SubjectAccessReview checks its
 * rights. A client such as Prometheus needs a token and a ClusterRole that grants `get` on the path. A browser cannot send a
 * bearer token by itself, so the token is also accepted as the password of basic authentication.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../ground/base/clock.ts';
import { sha256 } from '../../ground/base/digest.ts';
import type { KubeClient } from './client.ts';
import type { PageHandler } from './probes.ts';
import type { Resource } from './resources.ts';

/** The client that sends the reviews, the clock for the cache of results, and the signal that ends them. */
export type ReviewDeps = {
  readonly client: Pick<KubeClient, 'review'>;
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

/**
 * Results are cached, because scrapers send a request every few seconds. A revoked right takes effect within this time.
 */
const cachedMs = 60_000;
/** Bounds the memory that a flood of made-up tokens can fill. */
const cacheLimit = 1000;

/**
 * The page for clients that may `get` the path. Others receive 401 or 403, or 500 if the apiserver does not respond.
 */
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
    const token = readToken(request);
    const status = token === undefined ? 401 : await verdictOn(token);
    if (status === 200) return page(request);
    return { status, body: refusalTexts[status], ...(status === 401 && { headers: challenge }) };
  };
};

const refusalTexts = {
  401: 'a bearer token of this cluster is required, also as the password of basic authentication\n',
  403: 'the user of this token may not get this path\n',
} as const;

/** Makes a browser ask for the token. */
const challenge = {
  'www-authenticate': 'Basic realm="any user, password: token of this cluster", charset="UTF-8"',
};

/** Tokens of ServiceAccounts have at most about 2 KB. */
const longestToken = 16 * 1024;

const readToken = ({ headers }: IncomingMessage): string | undefined => {
  const [, scheme = '', credentials = ''] =
    /^(Bearer|Basic) +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  const token = scheme.toLowerCase() === 'basic' ? readPassword(credentials) : credentials;
  return token.length > 0 && token.length <= longestToken ? token : undefined;
};

/** Base64 of `user:password` (RFC 7617). */
const readPassword = (credentials: string): string => {
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1).trim();
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
  const reviewed = (await client.review(
    tokenReviews,
    {},
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    signal,
  )) as TokenReview;
  const { authenticated, user } = reviewed.status ?? {};
  if (authenticated !== true || user === undefined) return 401;
  const { username, uid, groups, extra } = user;
  const spec = { user: username, uid, groups, extra, nonResourceAttributes: { path, verb: 'get' } };
  const answer = (await client.review(
    accessReviews,
    {},
    { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec },
    signal,
  )) as { readonly status?: { readonly allowed?: boolean } };
  return answer.status?.allowed === true ? 200 : 403;
};
