/** Which exports one page of the list shows, by the query of its address. Pure. */
import type { ModelExport } from '../api/model-export.ts';
import type { StatusReport } from '../plugin/report.ts';
import { summarise } from '../plugin/status-report.ts';

/** State of a ModelExport. */
export type ShownState = StatusReport['state'];

/** The states, in the order of the filter. */
export const exportStates = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Suspended',
  'Requested',
  'Unseen',
] as const satisfies readonly ShownState[];

/** Query parameters of the page. An empty text matches everything. */
export type PageQuery = {
  /** Parts of the names. */
  readonly namespace: string;
  readonly name: string;
  readonly state: ShownState | '';
  /** From 1. */
  readonly page: number;
};

/** Exports on one page: bounds the size of the response. */
export const pageSize = 50;

/** Longer texts match no name. */
const longestText = 253;

/** Reads the query of an address; what is not valid counts as absent. @param url path and query of a request */
export const parseQuery = (url: string): PageQuery => {
  const start = url.indexOf('?');
  const given = new URLSearchParams(start < 0 ? '' : url.slice(start));
  const textOf = (name: string): string => (given.get(name) ?? '').trim().slice(0, longestText);
  const page = Number(given.get('page'));
  return {
    namespace: textOf('namespace'),
    name: textOf('name'),
    state: exportStates.find((state) => state === given.get('state')) ?? '',
    page: Number.isSafeInteger(page) && page >= 1 ? page : 1,
  };
};

/** The query that leads to the same filter on another page. */
export const queryFor = ({ namespace, name, state }: PageQuery, page: number): string => {
  const given = Object.entries({ namespace, name, state, page: page === 1 ? '' : String(page) });
  return `?${new URLSearchParams(given.filter(([, value]) => value !== ''))}`;
};

/** One page of the exports that match. */
export type PageSelection = {
  /** Of all exports, before the filter. */
  readonly counts: Readonly<Record<ShownState, number>>;
  readonly matching: number;
  readonly shown: readonly ModelExport[];
  readonly page: number;
  readonly pages: number;
};

/** Selects and sorts by namespace and name. A page after the last one is the last one. */
export const selectExports = (all: readonly ModelExport[], query: PageQuery): PageSelection => {
  const counts = Object.fromEntries(exportStates.map((state) => [state, 0])) as Record<ShownState, number>;
  const matching: ModelExport[] = [];
  for (const each of all) {
    const state = summarise(each);
    counts[state]++;
    const { namespace, name } = each.metadata;
    const fits = namespace.includes(query.namespace) && name.includes(query.name);
    if (fits && (query.state === '' || query.state === state)) matching.push(each);
  }
  const pages = Math.max(1, Math.ceil(matching.length / pageSize));
  const page = Math.min(query.page, pages);
  const sorted = matching.sort(byName);
  const shown = sorted.slice((page - 1) * pageSize, page * pageSize);
  return { counts, matching: matching.length, shown, page, pages };
};

const byName = ({ metadata: a }: ModelExport, { metadata: b }: ModelExport): number =>
  compare(a.namespace, b.namespace) || compare(a.name, b.name);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
