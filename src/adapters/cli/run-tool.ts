/** The last catch of a command-line tool: an error becomes one line and an exit status. */
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { failures } from '../../ground/base/failures.ts';
import { printableLines } from '../../ground/base/printable.ts';
import { nameFields } from '../../ground/contract/fields.ts';

/** Runs a tool; `write` gets what went wrong. Returns the exit status of failures.ts, 0 for success. */
export const runTool = async (
  name: string,
  write: (text: string) => void,
  run: () => Promise<void>,
): Promise<number> => {
  try {
    await run();
    return 0;
  } catch (thrown) {
    if (thrown instanceof UserError) {
      write(`${name}: ${printableLines(nameFields(thrown.message, 'flag'))}\n`);
      return failures[thrown.reason].exitCode;
    }
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    write(
      `${name}: this is a defect of the program, please report it.\n${printableLines(stack ?? messageOf(thrown))}\n`,
    );
    return failures.Internal.exitCode;
  }
};
