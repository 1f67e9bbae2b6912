/** Converts the errors of a command-line tool to a message and an exit code. */
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { failures } from '../../ground/base/failures.ts';
import { printableLines } from '../../ground/base/printable.ts';
import { audienceOf, nameFields } from '../../ground/contract/fields.ts';

/** Runs a tool and passes an error message to `write`. Returns the exit code from failures.ts, or 0. */
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
      write(`${name}: ${printableLines(nameFields(thrown.message, audienceOf(name)))}\n`);
      return failures[thrown.reason].exitCode;
    }
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    write(
      `${name}: internal error. This is a bug; please report it.\n${printableLines(stack ?? messageOf(thrown))}\n`,
    );
    return failures.Internal.exitCode;
  }
};
