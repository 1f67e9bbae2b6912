/** The report of `status` as text: a tree of stages, warnings, and what to do next. Pure. */
import { formatAge, formatBytes } from '../../ground/base/amounts.ts';
import { printable } from '../../ground/base/printable.ts';
import type { Running } from '../api/running.ts';
import { formatRunning } from '../ownedjobs/running.ts';

import type { JobReport, PodReport } from './jobs-report.ts';
import { titleOf } from './next.ts';
import type { Paint, Style } from './paint.ts';
import type { StageReport, StatusReport } from './report.ts';
import type { StageState } from './stage.ts';
import { type Branch, drawTree, leaf } from './tree.ts';

/** How to write a text. */
export type TextOptions = {
  readonly paint: Paint;
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
};

/** How the state of a stage is shown: by a sign, and by colour. */
export const marks: Readonly<Record<StageState, { readonly sign: string; readonly style: Style }>> = {
  done: { sign: '✔', style: 'good' },
  failed: { sign: '✖', style: 'bad' },
  waiting: { sign: '◌', style: 'wait' },
  active: { sign: '●', style: 'busy' },
};

/** How the state of a ModelExport is shown. */
export const stateStyles: Readonly<Record<StatusReport['state'], Style>> = {
  Ready: 'good',
  Stalled: 'bad',
  Reconciling: 'busy',
  Suspended: 'wait',
  Unseen: 'wait',
  Requested: 'wait',
};

/** The text of a report, with a line break at the end. */
export const formatStatus = (report: StatusReport, options: TextOptions): string =>
  [
    ...drawTree({
      text: formatTitle(report, options),
      below: report.stages.map((stage) => drawStage(stage, options)),
    }),
    ...formatWarnings(report, options),
    ...formatNext(report, options),
    ...formatUnreadable(report),
    '',
  ].join('\n');

const formatTitle = (
  { namespace, name, state, reason, message, enginesReady }: StatusReport,
  { paint }: TextOptions,
): string => {
  const engines = enginesReady === undefined ? '' : `, engines ${enginesReady}`;
  const title = `ModelExport ${paint('strong', `${namespace}/${name}`)}: ${paint(stateStyles[state], state)}${engines}`;
  if (reason === undefined || message === undefined) return title;
  return `${title}\n│  ${reason}: ${printable(message)}`;
};

const drawStage = (stage: StageReport, options: TextOptions): Branch => {
  const { paint, now } = options;
  const { sign, style } = marks[stage.state];
  const type = stage.dataType === undefined ? '' : ` (${stage.dataType})`;
  const again =
    stage.nextAttempt === undefined
      ? ''
      : `, next attempt in ${formatAge(Date.parse(stage.nextAttempt) - now)}`;
  return {
    text: `${paint(style, sign)} ${titleOf(stage)}${type}: ${paint(style, stage.reason)}${again}`,
    below: [
      ...(stage.state === 'done' || stage.message === '' ? [] : [leaf(printable(stage.message))]),
      ...(stage.because === undefined ? [] : [leaf(printable(stage.because))]),
      ...(stage.running ? [leaf(describeReport(stage.running, now))] : []),
      ...stage.artifacts.map(({ name, uri, sizeBytes }) =>
        leaf(`${name} ${printable(uri)}${sizeBytes === undefined ? '' : ` (${formatBytes(sizeBytes)})`}`),
      ),
      ...stage.jobs.map((job) => drawJob(job, options)),
    ],
  };
};

/** For example "calibrating 43%, 2m left: 86 of 200, 12.1 per second, 5s ago". */
const describeReport = (running: Running, now: number): string => {
  const { done, total, perSecond, reportedAt } = running;
  const facts = [
    ...(total === undefined ? [] : [`${done} of ${total}`]),
    ...(perSecond === undefined ? [] : [`${perSecond} per second`]),
    `${formatAge(now - Date.parse(reportedAt))} ago`,
  ];
  return printable(`${formatRunning(running)}: ${facts.join(', ')}`);
};

const drawJob = (
  { name, state, startedAt, finishedAt, pods }: JobReport,
  { paint, now }: TextOptions,
): Branch => {
  const end = finishedAt === undefined ? now : Date.parse(finishedAt);
  const time = startedAt === undefined ? '' : `, ${formatAge(end - Date.parse(startedAt))}`;
  return {
    text: `${paint('faint', 'Job')} ${name}: ${state}${time}`,
    below: pods.map((pod) => drawPod(pod, paint)),
  };
};

const drawPod = ({ name, phase, node, container }: PodReport, paint: Paint): Branch =>
  leaf(
    `${paint('faint', 'Pod')} ${name}: ${phase}${node === undefined ? '' : ` on ${node}`}${container === undefined ? '' : `, ${container}`}`,
  );

const formatWarnings = ({ warnings }: StatusReport, { paint, now }: TextOptions): readonly string[] =>
  warnings.length === 0
    ? []
    : [
        `\n${paint('strong', 'Warnings')}`,
        ...warnings.map(({ about, reason, message, time }) => {
          const age = time === undefined ? '' : `${formatAge(now - Date.parse(time))} ago, `;
          return `  ${age}${about}: ${paint('wait', printable(reason))}: ${printable(message)}`;
        }),
      ];

const formatNext = ({ next }: StatusReport, { paint }: TextOptions): readonly string[] =>
  next.length === 0
    ? []
    : [
        `\n${paint('strong', 'Next')}`,
        ...next.map(({ about, reason, remedy }) => `  ${about.join(', ')} (${reason}): ${remedy}`),
      ];

const formatUnreadable = ({ unreadable }: StatusReport): readonly string[] =>
  unreadable.length === 0
    ? []
    : [`\nNot shown: ${unreadable.join(', ')}. You may not list them in this namespace.`];
