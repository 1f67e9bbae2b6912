/** One call of an external codec, and what its end means to the user. */
import { messageOf, systemCodeOf, UserError } from '../../../ground/base/errors.ts';
import { failures } from '../../../ground/base/failures.ts';
import { diagnosticLines } from './diagnostics.ts';
import { type End, type ProgramCall, runProgram } from './program.ts';
import { outputLimit } from './sinks.ts';

export type Action = 'encrypt' | 'decrypt';

export type CodecCall = Omit<ProgramCall, 'words'> & {
  /** The program and its first words; the action is put after them. */
  readonly command: readonly string[];
  /** Gets each line that the program writes to standard error. */
  readonly warn: (message: string) => void;
};

/** @throws UserError CodecFailed, WrongKey (it said so), Interrupted */
export const callCodec = async (action: Action, call: CodecCall): Promise<void> => {
  const doing = `${action === 'encrypt' ? 'Encrypting' : 'Decrypting'} the model by ${call.command[0]}`;
  const { end, diagnostics } = await runProgram({ ...call, words: [...call.command, action] });
  const lines = diagnosticLines(diagnostics, call.key);
  for (const line of lines) call.warn(`${call.command[0]}: ${line}`);
  if (end.kind === 'Interrupted') throw new UserError('Interrupted', `${doing}: stopped before it was done.`);
  const fault = faultOf(end, call);
  if (fault) throw new UserError(fault.reason, `${doing}: ${fault.found}${lastWord(lines)}. ${fault.advice}`);
  if (call.sink.length() > 0 || call.input.length === 0) return;
  throw new UserError('CodecFailed', `${doing}: it ended well and wrote nothing${lastWord(lines)}. ${mend}`);
};

const mend = 'See docs/external-codec.md for what it has to do.';

type Fault = {
  readonly reason: 'CodecFailed' | 'WrongKey';
  readonly found: string;
  readonly advice: string;
};

const faultOf = (end: Exclude<End, { kind: 'Interrupted' }>, call: CodecCall): Fault | undefined => {
  const failed = (found: string, advice = mend): Fault => ({ reason: 'CodecFailed', found, advice });
  switch (end.kind) {
    case 'NotStarted':
      return failed(notStarted(end.cause), wordsAdvice);
    case 'TooLong':
      return failed(`it was not done after ${call.limitMs / 1000} seconds and was stopped`);
    case 'TooMuch':
      return failed(
        `it wrote more than ${outputLimit(call.input.length)} bytes for ${call.input.length} and was stopped`,
      );
    case 'Exited':
      if (end.code === 0) return undefined;
      if (end.code !== failures.WrongKey.exitCode)
        return failed(
          end.code === null ? `it was ended by ${end.signal}` : `it ended with exit code ${end.code}`,
        );
      return {
        reason: 'WrongKey',
        found: 'the key does not open it',
        advice: 'Use the key it was encrypted with, without added spaces or line ends.',
      };
  }
};

const wordsAdvice =
  'Name a program by its path, or a program with arguments as a JSON array of words: \'["python3", "codec.py"]\'.';

const notStarted = (cause: Error): string =>
  refusals[systemCodeOf(cause) ?? ''] ?? `it cannot be started (${messageOf(cause)})`;

const refusals: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program, or what its first line names is not there',
  EACCES: 'it may not be executed',
};

const lastWord = (lines: readonly string[]): string =>
  lines.length === 0 ? '' : `: ${lines.at(-1)!.slice(0, 300)}`;
