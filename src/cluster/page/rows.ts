/** A row of the matrix: one export. Pure. */
import { html, type Markup } from '../../ground/base/markup.ts';
import { printable } from '../../ground/base/printable.ts';
import type { ModelExport } from '../api/model-export.ts';
import { formatRunning } from '../ownedjobs/running.ts';
import type { Style } from '../plugin/paint.ts';
import type { StageReport, StatusReport } from '../plugin/report.ts';
import { commandFor } from '../plugin/requests.ts';
import { marks, stateStyles } from '../plugin/status-text.ts';

/** The columns of the device classes. */
export type RowContext = {
  readonly columns: readonly string[];
  /** Whether a last column summarises the classes without a column of their own. */
  readonly others: boolean;
};

/** An export, and its report. */
export type Reported = { readonly modelExport: ModelExport; readonly report: StatusReport };

/** The row of an export. */
export const exportRow = ({ modelExport, report }: Reported, { columns, others }: RowContext): Markup => {
  const { metadata, spec, status } = modelExport;
  const { stages } = report;
  const engines = new Map(stages.map((stage) => [stage.deviceClass, stage]));
  const rest = stages.filter(
    ({ deviceClass }) => deviceClass !== undefined && !columns.includes(deviceClass),
  );
  const isReported = status?.export?.report !== undefined;
  return html`<tr><th scope="row">${printable(metadata.name)}<small>${printable(metadata.namespace)}, ${spec.architecture}</small></th>
<td>${stateCell(report, status?.progress)}</td><td>${stageCell(engines.get(undefined))}</td>${columns.map(
    (name) => html`<td>${stageCell(engines.get(name))}</td>`,
  )}${others && html`<td>${rest.length > 0 && countDone(rest)}</td>`}<td>${
    isReported && html`<code>${commandFor('report', metadata)}</code>`
  }</td></tr>`;
};

/** `1 export`, `12 exports`. */
export const countMatching = (count: number): string => (count === 1 ? '1 export' : `${count} exports`);

const countDone = (stages: readonly StageReport[]): string =>
  `${stages.filter(({ state }) => state === 'done').length} of ${stages.length} built`;

/** Signs of states; those of stages that mean the same. */
const signs: Readonly<Record<Style, string>> = {
  good: marks.done.sign,
  bad: marks.failed.sign,
  busy: marks.active.sign,
  wait: marks.waiting.sign,
  faint: '',
  strong: '',
};

/** Messages of conditions can have 32 KiB. */
const shownCharacters = 400;

const shorten = (text: string): string => {
  const plain = printable(text);
  return plain.length <= shownCharacters ? plain : `${plain.slice(0, shownCharacters)}…`;
};

const stateCell = (
  { state, reason, message, enginesReady }: StatusReport,
  progress: string | undefined,
): Markup => {
  const style = stateStyles[state];
  const engines = enginesReady === undefined ? undefined : html`<small>engines ${enginesReady}</small>`;
  const why = state === 'Ready' || reason === undefined ? undefined : `${reason}: ${message ?? ''}`;
  return html`${mark(style, signs[style], state)}${engines}${
    why !== undefined && html`<p>${shorten(why)}</p>`
  }${state === 'Reconciling' && progress && html`<p>${shorten(progress)}</p>`}`;
};

const stageCell = (stage: StageReport | undefined): Markup | undefined => {
  if (stage === undefined) return undefined;
  const { state, reason, message, dataType, because, running } = stage;
  const { sign, style } = marks[state];
  const needsWords = state === 'failed' || state === 'waiting';
  return html`<span class="read">${state}: </span>${mark(style, sign, reason)}${
    dataType && html`<small>${dataType}</small>`
  }${because !== undefined && html`<p>${shorten(because)}</p>`}${running && html`<p>${shorten(formatRunning(running))}</p>`}${
    needsWords && message !== '' && html`<p>${shorten(message)}</p>`
  }`;
};

const mark = (style: Style, sign: string, word: string): Markup =>
  html`<span class="mark ${style}"><span aria-hidden="true">${sign}</span> ${printable(word)}</span>`;
