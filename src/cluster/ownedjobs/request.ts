/**
 * Requests by annotation: `export.tlt.dev/requested-at` with a token asks for another try of what has failed, with
 * `<device class>=<token>` of one class alone. A token counts once; removing the annotation is no request. Pure.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { annotations } from '../api/labels.ts';

export type Requested = {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly status?: { readonly lastHandledRequest?: string };
};

/** As long as status keeps a token as it is; a longer one is kept by its digest. */
const longestToken = 128;

const tokenOf = ({ metadata }: Requested): string | undefined => {
  const token = metadata.annotations?.[annotations.requestedAt];
  return token !== undefined && token.length > longestToken ? contentKey(token) : token || undefined;
};

/** What status says once this request is handled: the latest token, or the one before while there is none. */
export const handledRequest = (object: Requested): string | undefined =>
  tokenOf(object) ?? object.status?.lastHandledRequest;

/** Whether a request that is not handled yet asks for another try of this class, or of what is made for all. */
export const forgives = (object: Requested, deviceClass?: string): boolean => {
  const token = tokenOf(object);
  if (token === undefined || token === object.status?.lastHandledRequest) return false;
  const [, named] =
    /^([a-z0-9][-a-z0-9]{0,62})=/.exec(object.metadata.annotations![annotations.requestedAt]!) ?? [];
  return named === undefined || named === deviceClass;
};
