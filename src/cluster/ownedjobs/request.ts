/**
 * Requests by annotation. A new token in `export.tlt.dev/requested-at` requests another attempt at what failed; in
 * `export.tlt.dev/verify-requested-at` it requests a check of what is stored. `<device class>=<token>` limits the
 * request to one class. Each token counts once, and removing the annotation requests nothing. Pure.
 */

import { contentKey } from '../../ground/base/digest.ts';
import { annotations } from '../api/labels.ts';
import { requestLimit } from '../api/ledger.ts';

/** An object with request annotations. */
export type RequestAnnotations = {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly status?: { readonly lastHandledRequest?: string };
};

/** A token that is too long for status is replaced by its digest. */
const readToken = ({ metadata }: RequestAnnotations, annotation: string): string | undefined => {
  const token = metadata.annotations?.[annotation];
  return token !== undefined && token.length > requestLimit ? contentKey(token) : token || undefined;
};

/** `status.lastHandledRequest` after this reconcile: the current token, or the previous one if there is none. */
export const latestHandledRequest = (object: RequestAnnotations): string | undefined =>
  readToken(object, annotations.requestedAt) ?? object.status?.lastHandledRequest;

/** Whether an unhandled request asks to retry the artifact of this class, or the shared artifact. */
export const requestsRetry = (object: RequestAnnotations, deviceClass?: string): boolean => {
  const token = readToken(object, annotations.requestedAt);
  if (token === undefined || token === object.status?.lastHandledRequest) return false;
  return isAddressedTo(object, annotations.requestedAt, deviceClass);
};

/** Token of a request to verify the artifact of this class, or the shared artifact. */
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
