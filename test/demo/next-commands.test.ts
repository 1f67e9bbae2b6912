/** The commands that the demo prints at its end are commands of the plugin. */
import test from 'ava';
import { findProblems } from '../pages/check-commands.ts';
import { nextCommands } from './next-commands.ts';

test('the plugin has the commands that the demo prints, with their flags', async (t) => {
  const commands = nextCommands('demo', 'vision', true);
  t.is(commands.length, 4);
  for (const command of commands) t.deepEqual(await findProblems(command), [], command);
  t.deepEqual(nextCommands('demo', 'vision', false), [commands[0], commands[3]]);
});
