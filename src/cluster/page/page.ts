/**
 * The page of all exports: a matrix of exports and device classes. It needs no script; names and messages are text of users and
 * of models, and are escaped. Pure.
 */
import { html, type Markup, raw } from '../../ground/base/markup.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { StatusReport } from '../plugin/report.ts';
import { reportStatus } from '../plugin/status-report.ts';
import { chooseColumns } from './columns.ts';
import { exportStates, type PageQuery, type PageSelection, queryFor, selectExports } from './filter.ts';
import { countMatching, exportRow, type RowContext } from './rows.ts';
import { style } from './style.ts';

/** What the page is made from. */
export type PageSource = {
  readonly exports: readonly ModelExport[];
  /** Number of ready nodes of a class, by its name. */
  readonly countNodes: (deviceClass: string) => number;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** The page as HTML text. */
export const exportsPage = (source: PageSource, query: PageQuery): string => {
  const selection = selectExports(source.exports, query);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Model exports</title><style>${raw(style)}</style></head>
<body><a class="skip" href="#exports">Skip to the exports</a>
<header><h1>Model exports</h1></header><main>
<section aria-labelledby="overview"><h2 id="overview">Overview</h2>
<ul class="counts">${exportStates.map((state) => html`<li><b>${selection.counts[state]}</b> ${state}</li>`)}</ul>
${filterForm(query)}</section>
<section aria-labelledby="exports"><h2 id="exports">Exports and engines</h2>
${matrix(selection, source)}${pageLinks(selection, query)}</section></main>
<footer><p class="faint">State of the caches of the operator at <time>${new Date(source.now).toISOString()}</time>.
Load the page again for a newer one. <code>kubectl modelexport status NAME -n NAMESPACE</code> shows one export in full.</p></footer>
</body></html>
`.text;
};

const filterForm = ({ namespace, name, state }: PageQuery): Markup => html`<form method="get" role="search">
<label>Namespace contains <input name="namespace" value="${namespace}" maxlength="63"></label>
<label>Name contains <input name="name" value="${name}" maxlength="253"></label>
<label>State <select name="state"><option value="">any</option>${exportStates.map(
  (each) => html`<option${each === state ? raw(' selected') : ''}>${each}</option>`,
)}</select></label>
<button>Filter</button> <a href="?">Show all</a></form>`;

const matrix = (selection: PageSelection, { countNodes }: PageSource): Markup => {
  const { matching, shown, page, pages } = selection;
  if (shown.length === 0) return html`<p>No export matches.</p>`;
  const reports = shown.map(reportOf);
  const { columns, others } = chooseColumns(reports);
  const context: RowContext = { columns, others };
  return html`<div class="scroll" role="region" aria-label="Matrix of exports and device classes" tabindex="0"><table>
<caption>${countMatching(matching)}, sorted by namespace and name${pages > 1 ? `, page ${page} of ${pages}` : ''}</caption>
<thead><tr><th scope="col">Export</th><th scope="col">State</th><th scope="col">Model</th>${columns.map(
    (name) => html`<th scope="col">${name}<small>${describeNodes(countNodes(name))}</small></th>`,
  )}${others && html`<th scope="col">Other classes</th>`}<th scope="col">Report</th></tr></thead>
<tbody>${shown.map((each, at) => exportRow({ modelExport: each, report: reports[at]! }, context))}</tbody></table></div>`;
};

const reportOf = (modelExport: ModelExport): StatusReport =>
  reportStatus({ modelExport, jobs: [], pods: [], warnings: [] });

const describeNodes = (count: number): string => (count === 1 ? '1 ready node' : `${count} ready nodes`);

const pageLinks = ({ page, pages }: PageSelection, query: PageQuery): Markup | undefined => {
  if (pages === 1) return undefined;
  const link = (to: number, text: string) =>
    to >= 1 && to <= pages && html`<li><a href="${queryFor(query, to)}">${text}</a></li>`;
  return html`<nav aria-label="Pages"><ul>${link(page - 1, 'Previous page')}<li>Page ${page} of ${pages}</li>${link(page + 1, 'Next page')}</ul></nav>`;
};
