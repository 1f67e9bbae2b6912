/** `kubectl modelexport watch` inside the process of the test. */
import { pluginCommands } from '../../src/cluster/plugin/commands.ts';
import type { ReadTarget } from '../../src/cluster/plugin/lists.ts';
import type { Moment } from '../../src/cluster/plugin/moment.ts';
import { aClientOf } from '../builders/client.ts';
import { aPluginContext, noExec } from '../builders/plugin-context.ts';
import { eventually } from '../cluster/run.ts';

/** Runs `watch` in this process, until the test stops it; `lines` has what it printed. */
export const watching = (kubeconfig: string, { namespace, name }: ReadTarget) => {
  const lines: Moment[] = [];
  const context = aPluginContext({
    connect: async () => ({ client: aClientOf(kubeconfig), namespace, exec: noExec }),
    print: (text) => void lines.push(JSON.parse(text) as Moment),
  });
  const ended = pluginCommands.watch({ operands: [name], values: { help: false } }, context);
  ended.catch(() => {}); // The test awaits it after its changes.
  const printed = (count: number) =>
    eventually(`${count} lines`, async () => lines.length >= count || undefined, 60_000);
  return { lines, ended, printed };
};
