/** What an answer of object storage, or none, means: another try at once, or a failure with its reason. Pure. */
import { messageOf, systemCodeOf, UserError } from '../../../ground/base/errors.ts';
import type { FailureReason } from '../../../ground/base/failures.ts';
import { field } from '../../../ground/contract/fields.ts';

/** What was done when a request failed. */
export type S3Activity = {
  /** Starts the message: `Reading s3://bucket/key`. */
  readonly doing: string;
  readonly bucket: string;
  /** Whether the request would change the bucket. */
  readonly writes: boolean;
};

type Finding = { readonly reason: FailureReason; readonly text: string };

/** The fields of an error of the SDK that are read here. Its message is not among them where it can quote the request. */
type S3Error = {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
};

/** Name of the error that S3, or the network, gave: `SlowDown`, `ECONNRESET`; `status 403` if an answer had no name. */
export const nameOfS3Error = (thrown: unknown): string => {
  const code = systemCodeOf(thrown);
  if (code !== undefined) return code;
  if (isNameless(thrown)) return `status ${statusOfS3Error(thrown)}`;
  const { name } = Object(thrown) as S3Error;
  return typeof name === 'string' ? name : 'Error';
};

/** Whether an error is known by its status alone: the answer to HEAD has no body, nor has that of some proxies. */
export const isNameless = (thrown: unknown): boolean => {
  const { name } = Object(thrown) as S3Error;
  return statusOfS3Error(thrown) !== undefined && /^(Unknown|UnknownError|\d+)$/.test(String(name));
};

/** HTTP status of the answer; undefined if there was none. */
export const statusOfS3Error = (thrown: unknown): number | undefined => {
  const status = (Object(thrown) as S3Error).$metadata?.httpStatusCode;
  return typeof status === 'number' ? status : undefined;
};

/** Errors of names, by which S3 asks for another try although the status is not 5xx. */
const transientNames: ReadonlySet<string> = new Set([
  'RequestTimeout',
  'RequestTimeTooSkewed', // The SDK has read the server's clock from the answer.
  'RequestExpired',
  'ConditionalRequestConflict',
  'OperationAborted',
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  'TimeoutError',
  'SlowDown',
  'TooManyRequests',
  'IDPCommunicationErrorException', // An STS did not reach the issuer of a token.
]);

const networkCodes: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

const fullNames: ReadonlySet<string> = new Set([
  'QuotaExceeded',
  'InsufficientStorage',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
]);

const expiredNames: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
]);

const unknownKey = 'the server does not know the access key. Correct the credentials.';

const refusedToken = 'the token of the workload identity is refused. Check its issuer and audience.';

const deniedNames: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: unknownKey,
  XAdminUserNotFound: unknownKey, // versitygw
  SignatureDoesNotMatch: 'the secret access key is wrong. Correct the credentials.',
  CredentialsProviderError: `no credentials were found. Set ${field('s3Credentials')}, or use a workload identity.`,
  TokenFileReadError:
    'the token file of the workload identity cannot be read. Check the service account of the pods.',
  InvalidIdentityTokenException: refusedToken,
  IDPRejectedClaimException: refusedToken,
};

/** The SDK did not find the file that its environment names: a token, or a profile. */
const fileCodes: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'EISDIR']);

const certificateCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** The bucket is elsewhere, by names of S3, and by the status of an answer without one. */
const elsewhereNames: ReadonlySet<string> = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed', // The signature names another region.
  'IllegalLocationConstraintException',
  'status 301',
  'status 307',
  'status 308',
]);

/** Whether the same request can succeed a moment later. */
export const isTransient = (thrown: unknown): boolean => {
  const name = nameOfS3Error(thrown);
  if (fullNames.has(name)) return false;
  if (transientNames.has(name) || networkCodes.has(name)) return true;
  const status = statusOfS3Error(thrown);
  return status !== undefined && (status === 429 || (status >= 500 && status !== 501 && status !== 507));
};

/** Whether the object does not exist. The status does not tell: a server can answer 404 for an unknown user. */
export const isAbsent = (thrown: unknown): boolean =>
  ['NoSuchKey', 'NotFound'].includes(nameOfS3Error(thrown));

/** Whether a conditional write found that the name is taken. */
export const isTaken = (thrown: unknown): boolean => statusOfS3Error(thrown) === 412;

/** The failure to report for an error that no further try fixed. */
export const explainS3Error = (activity: S3Activity, thrown: unknown): UserError => {
  if (thrown instanceof UserError) return thrown;
  const { reason, text } = findMeaning(activity, thrown);
  return new UserError(reason, `${activity.doing}: ${text}`);
};

const findMeaning = ({ bucket, writes }: S3Activity, thrown: unknown): Finding => {
  const name = nameOfS3Error(thrown);
  const status = statusOfS3Error(thrown);
  if (name === 'NoSuchBucket')
    return {
      reason: writes ? 'OutputUnwritable' : 'InputNotFound',
      text: `the bucket ${bucket} does not exist. Create it, or correct the URI.`,
    };
  if (expiredNames.has(name))
    return {
      reason: 'StorageUnavailable',
      text: 'the credentials have expired. Renew them; the next attempt reads them again.',
    };
  if (fullNames.has(name) || status === 507)
    return {
      reason: 'DiskFull',
      text: `the bucket ${bucket} is full (${name}). Free space, or raise its quota.`,
    };
  const denial = findDenial({ bucket, writes }, thrown);
  if (denial !== undefined) return { reason: 'StorageDenied', text: denial };
  if (isAbsent(thrown))
    return { reason: 'InputNotFound', text: 'it does not exist. Correct the URI, or upload the object.' };
  return { reason: 'StorageUnavailable', text: describeOther(name, status, thrown) };
};

/** What the user must change before the storage can be used, if that is known. */
const findDenial = (
  { bucket, writes }: Pick<S3Activity, 'bucket' | 'writes'>,
  thrown: unknown,
): string | undefined => {
  const name = nameOfS3Error(thrown);
  const status = statusOfS3Error(thrown);
  if (Object.hasOwn(deniedNames, name)) return deniedNames[name];
  if (fileCodes.has(name))
    return `a file with a token or credentials cannot be read (${messageOf(thrown)}). Check the service account of the pods, or set ${field('s3Credentials')}.`;
  if (certificateCodes.has(name))
    return `the certificate of the server is not trusted (${name}). Set ${field('s3Authority')} to its certificate authority.`;
  if (elsewhereNames.has(name))
    return `the bucket ${bucket} is in another region, or at another endpoint (${name}). Set ${field('s3Region')} and ${field('s3Endpoint')} to those of the bucket.`;
  if (status === 401 || status === 403)
    return `access to the bucket ${bucket} is denied (${name}). Allow ${writes ? 'writing' : 'reading'} it, or use other credentials.`;
  return undefined;
};

const describeOther = (name: string, status: number | undefined, thrown: unknown): string => {
  if (isNameless(thrown)) return describeStatus(status);
  const { message } = Object(thrown) as S3Error;
  const said = typeof message === 'string' ? `: ${message.slice(0, 200)}` : '';
  const answer =
    status === undefined ? 'the server did not answer' : `the server answered with status ${status}`;
  return `${answer} (${name}${said}). Check the server, ${field('s3Endpoint')} and the region.`;
};

/** What statuses say that come without a name. */
const describeStatus = (status: number | undefined): string => {
  if (status === 400)
    return `the server refuses the request without a reason (status 400), as it does for expired credentials. Renew them, or check ${field('s3Endpoint')} and the region.`;
  if (status === 429 || status === 503)
    return `the server is overloaded or not ready (status ${status}). Try again later, or let fewer pods work at a time.`;
  return `the server answered with status ${status}. Check the server, ${field('s3Endpoint')} and the region.`;
};
