/** The commands of the plugin: each reads the cluster, and prints the text that pure functions compose. */
import { stringify } from 'yaml';
import { UserError } from '../../ground/base/errors.ts';
import {
  type PluginCommand,
  type PluginValues,
  pluginPrograms,
} from '../../ground/contract/plugin-programs.ts';
import type { ModelExport } from '../api/model-export.ts';
import { completionScript } from './completion.ts';
import { connectTo, type Run, show } from './context.ts';
import { convertLine } from './convert.ts';
import { explainReason, formatExplanation } from './explain.ts';
import { fetchArtifacts, showReport } from './fetch.ts';
import { followModelExport } from './follow.ts';
import { formatHardware, reportHardware, selectClasses } from './hardware-report.ts';
import { chooseLogs, formatLogLine } from './logs.ts';
import { formatMoment, isOver, isSameMoment, type Moment, momentOf } from './moment.ts';
import { readFacts, readHardware, readLog, readModelExport, readPods } from './read.ts';
import { type Request, type RequestedChange, retry, setSuspended, verify } from './requests.ts';
import { reportStatus } from './status-report.ts';
import { formatStatus } from './status-text.ts';
import { applyChange } from './write.ts';

const status: Run<PluginValues<'status'>> = async ({ operands: [name = ''], values }, context) => {
  const { reader, target } = await connectTo(name, values, context);
  const report = reportStatus(await readFacts(reader, target));
  show(context, values.output, {
    json: report,
    text: (paint) => formatStatus(report, { paint, now: context.clock.now() }),
  });
};

const watch: Run<PluginValues<'watch'>> = async ({ operands: [name = ''], values }, context) => {
  const { reader, target } = await connectTo(name, values, context);
  let last: Moment | undefined;
  for await (const modelExport of followModelExport({ ...reader, clock: context.clock }, target)) {
    const moment = momentOf(modelExport, context.clock.now());
    if (!isSameMoment(last, moment))
      show(context, values.output, { json: moment, text: (paint) => formatMoment(moment, paint) });
    last = moment;
    if (isOver(modelExport)) return;
  }
};

const logs: Run<PluginValues<'logs'>> = async ({ operands: [name = ''], values }, context) => {
  const { reader, target } = await connectTo(name, values, context);
  await readModelExport(reader, target);
  const { pod, containers } = chooseLogs(await readPods(reader, target), target, values.class);
  for (const container of containers)
    for await (const line of readLog(reader, { namespace: target.namespace, name: pod }, container))
      context.print(formatLogLine(container, line));
};

const explain: Run<PluginValues<'explain'>> = async ({ operands: [word = ''], values }, context) => {
  const explanation = explainReason(word);
  show(context, values.output, {
    json: explanation,
    text: (paint) => formatExplanation(explanation, paint),
  });
};

const hardware: Run<PluginValues<'hardware'>> = async ({ values }, context) => {
  const { client } = await context.connect(values);
  const { classes, nodes } = await readHardware({ client, signal: context.signal });
  const report = reportHardware(selectClasses(classes, values.class), nodes);
  show(context, values.output, {
    json: { classes: report },
    text: (paint) => formatHardware(report, paint),
  });
};

/** A command that changes one ModelExport. `suspend` and `resume` have the flags of `retry`, except for the class. */
const change =
  (decide: (modelExport: ModelExport, request: Request) => RequestedChange): Run<PluginValues<'retry'>> =>
  async ({ operands: [name = ''], values }, context) => {
    const { reader, target } = await connectTo(name, values, context);
    const token = new Date(context.clock.now()).toISOString();
    const decided = decide(await readModelExport(reader, target), {
      token,
      deviceClass: values.class,
    });
    await applyChange(reader, target, decided);
    const { message, patch } = decided;
    show(context, values.output, {
      json: { ...target, changed: patch !== undefined, message },
      text: () => `${message}\n`,
    });
  };

/** @throws UserError Usage for an empty name */
const parseClasses = (text: string): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (!names.includes('')) return names;
  throw new UserError(
    'Usage',
    `Reading --device-class: '${text}' has an empty name. Separate names by one comma.`,
  );
};

const convert: Run<PluginValues<'convert'>> = async ({ operands, values }, context) => {
  const { name, namespace, claim, mount, 'key-secret': keySecret, 'device-class': classes } = values;
  const { manifest, notes } = convertLine(context.parseExportLine(operands), {
    name,
    namespace,
    claim: { name: claim, mount },
    keySecret,
    deviceClasses: parseClasses(classes),
  });
  context.print(stringify(manifest, { lineWidth: 0 }));
  for (const note of notes) context.printError(`# ${note}\n`);
};

const completion: Run<PluginValues<'completion'>> = async ({ operands: [shell = ''] }, { print }) =>
  print(completionScript(shell, pluginPrograms));

/** Subcommand → what it does. Each rejects with UserError, or with ApiError for a response of the apiserver. */
export const pluginCommands: { readonly [C in PluginCommand]: Run<PluginValues<C>> } = {
  status,
  watch,
  logs,
  report: showReport,
  fetch: fetchArtifacts,
  explain,
  hardware,
  convert,
  completion,
  retry: change(retry),
  verify: change(verify),
  suspend: change((modelExport) => setSuspended(modelExport, true)),
  resume: change((modelExport) => setSuspended(modelExport, false)),
};
