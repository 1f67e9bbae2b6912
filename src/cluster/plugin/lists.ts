/** Lists of objects, page by page. */
import { isStatus } from '../runtime/api-error.ts';
import type { KubeClient, Query } from '../runtime/client.ts';
import type { Resource } from '../runtime/resources.ts';

/** The cluster, as the user of the plugin may access it. */
export type Reader = { readonly client: KubeClient; readonly signal: AbortSignal };

/** A ModelExport by name. */
export type ReadTarget = { readonly namespace: string; readonly name: string };

/** Which objects of a resource. */
export type ListSelection = { readonly namespace?: string; readonly query?: Query };

/** Undefined if the user may not list these objects. */
export const listIfAllowed = async <T>(
  reader: Reader,
  resource: Resource,
  selection: ListSelection,
): Promise<readonly T[] | undefined> => {
  try {
    return await listAll<T>(reader, resource, selection);
  } catch (thrown) {
    if (isStatus(thrown, 403)) return undefined;
    throw thrown;
  }
};

/** Objects of one response of the apiserver. */
const pageSize = 500;

type Page<T> = { readonly items: readonly T[]; readonly metadata?: { readonly continue?: string } };

/** All pages of a list. */
export const listAll = async <T>(
  { client, signal }: Reader,
  resource: Resource,
  { query, ...at }: ListSelection,
): Promise<readonly T[]> => {
  const found: T[] = [];
  let token: string | undefined = '';
  do {
    const paging: Query = { limit: String(pageSize), ...(token && { continue: token }) };
    const page = (await client.list(resource, { ...at, query: { ...query, ...paging } }, signal)) as Page<T>;
    found.push(...page.items);
    token = page.metadata?.continue;
  } while (token);
  return found;
};
