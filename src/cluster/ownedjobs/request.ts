/**
 * Requests by annotation: `export.tlt.dev/requested-at` with a token asks for another try of what has failed,
 * `export.tlt.dev/verify-requested-at` for a check of what is stored; `<device class>=<token>` asks it of one class. A token
 * counts once; removing the annotation is no request. Pure.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { annotations } from '../api/labels.ts';

export type RequestAnnotations = {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly status?: { readonly lastHandledRequest?: string };
};

/** As long as status keeps a token as it is; a longer one is kept by its digest. */
const longestToken = 128;

const readToken = ({ metadata }: RequestAnnotations, annotation: string): string | undefined => {
  const token = metadata.annotations?.[annotation];
  return token !== undefined && token.length > longestToken ? contentKey(token) : token || undefined;
};

/** Status once this request is handled: the latest token, or the one before while there is none. */
export const latestHandledRequest = (object: RequestAnnotations): string | undefined =>
  readToken(object, annotations.requestedAt) ?? object.status?.lastHandledRequest;

/** Whether a request that is not handled yet asks for another try of this class, or of what is made for all. */
export const requestsRetry = (object: RequestAnnotations, deviceClass?: string): boolean => {
  const token = readToken(object, annotations.requestedAt);
  if (token === undefined || token === object.status?.lastHandledRequest) return false;
  return isAddressedTo(object, annotations.requestedAt, deviceClass);
};

/** The token of a request to check what is stored for this class, or what is made for all. */
export const requestedVerification = (
  object: RequestAnnotations,
  deviceClass?: string,
): string | undefined =>
  isAddressedTo(object, annotations.verifyRequestedAt, deviceClass)
    ? readToken(object, annotations.verifyRequestedAt)
    : undefined;

const isAddressedTo = (
  { metadata }: RequestAnnotations,
  annotation: string,
  deviceClass: string | undefined,
): boolean => {
  const value = metadata.annotations?.[annotation] ?? '';
  const [, named] = /^([a-z0-9][-a-z0-9]{0,62})=/.exec(value) ?? [];
  return named === undefined || named === deviceClass;
};
