/** Runs an external codec once and turns its exit into a typed error. */
import { messageOf, systemCodeOf, UserError } from '../../../ground/base/errors.ts';
import { failures } from '../../../ground/base/failures.ts';
import { diagnosticLines } from './diagnostics.ts';
import { type ProgramCall, type ProgramEnd, runProgram } from './program.ts';
import { outputLimit } from './sinks.ts';

/** The last argument of the codec's command line. */
export type CodecAction = 'encrypt' | 'decrypt';

/** One run of a codec: `ProgramCall`, with the command split from the action. */
export type CodecCall = Omit<ProgramCall, 'words'> & {
  /** Program and first arguments; the action is appended. */
  readonly command: readonly string[];
  /** Receives each line that the program writes to standard error. */
  readonly warn: (message: string) => void;
};

/**
 * Runs the codec; its output goes to `call.sink`.
 * @throws UserError CodecFailed, WrongKey (reported by its exit code), Interrupted
 */
export const callCodec = async (action: CodecAction, call: CodecCall): Promise<void> => {
  const doing = `${action === 'encrypt' ? 'Encrypting' : 'Decrypting'} the model by ${call.command[0]}`;
  const { end, diagnostics } = await runProgram({ ...call, words: [...call.command, action] });
  const lines = diagnosticLines(diagnostics, call.key);
  for (const line of lines) call.warn(`${call.command[0]}: ${line}`);
  if (end.kind === 'Interrupted') throw new UserError('Interrupted', `${doing}: stopped before it was done.`);
  const fault = faultOf(end, call);
  if (fault) throw new UserError(fault.reason, `${doing}: ${fault.found}${lastLine(lines)}. ${fault.advice}`);
  if (call.sink.length() > 0 || call.input.length === 0) return;
  throw new UserError(
    'CodecFailed',
    `${doing}: it exited with code 0 but wrote nothing${lastLine(lines)}. ${contractAdvice}`,
  );
};

const contractAdvice = 'See docs/external-codec.md for the contract.';

type Fault = {
  readonly reason: 'CodecFailed' | 'WrongKey';
  readonly found: string;
  readonly advice: string;
};

const faultOf = (end: Exclude<ProgramEnd, { kind: 'Interrupted' }>, call: CodecCall): Fault | undefined => {
  const failed = (found: string, advice = contractAdvice): Fault => ({
    reason: 'CodecFailed',
    found,
    advice,
  });
  switch (end.kind) {
    case 'NotStarted':
      return failed(notStarted(end.cause), wordsAdvice);
    case 'TooLong':
      return failed(`it did not finish within ${call.limitMs / 1000} seconds and was stopped`);
    case 'TooMuch':
      return failed(
        `it wrote more than ${outputLimit(call.input.length)} bytes for an input of ${call.input.length} and was stopped`,
      );
    case 'Exited':
      if (end.code === 0) return undefined;
      if (end.code !== failures.WrongKey.exitCode)
        return failed(
          end.code === null ? `it was killed by ${end.signal}` : `it ended with exit code ${end.code}`,
        );
      return {
        reason: 'WrongKey',
        found: 'the key does not decrypt it',
        advice: 'Use the key it was encrypted with, without added spaces or line ends.',
      };
  }
};

const wordsAdvice =
  'Name a program by its path, or a program with arguments as a JSON array of words: \'["python3", "codec.py"]\'.';

const notStarted = (cause: Error): string =>
  refusals[systemCodeOf(cause) ?? ''] ?? `it cannot be started (${messageOf(cause)})`;

const refusals: Readonly<Record<string, string>> = {
  ENOENT: 'the program, or the interpreter in its first line, does not exist',
  EACCES: 'it is not executable',
};

const lastLine = (lines: readonly string[]): string =>
  lines.length === 0 ? '' : `: ${lines.at(-1)!.slice(0, 300)}`;
