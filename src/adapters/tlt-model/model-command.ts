/** `tlt-model pack | unpack | convert | inspect | merge-histograms`: dispatches, and holds the two short commands. */
import { mergeHistogramFiles } from '../../calibration/histograms/merged-histograms.ts';
import { readHistograms } from '../../export/pipeline/histograms.ts';
import { findKey } from '../../formats/crypto/key.ts';
import { writeHistogramFile } from '../../formats/scales/histogram-file.ts';
import { UserError } from '../../ground/base/errors.ts';
import { printableJson, printableLines } from '../../ground/base/printable.ts';
import { refuseToOverwrite, writeWholeFile } from '../../ground/base/whole-file.ts';
import { nameFields } from '../../ground/contract/fields.ts';
import type { FlagTable, ValuesOf } from '../../ground/contract/flag-table.ts';
import { type ModelCommand, modelCommands, modelPrograms } from '../../ground/contract/model-programs.ts';
import type { Program } from '../../ground/contract/program.ts';
import { parseCommandLine, usageError } from '../cli/command-line.ts';
import { subcommandsHelp } from '../cli/help-text.ts';
import { inspectFile, type Opener, type Report } from '../inspect/inspect.ts';
import { reportText } from '../inspect/inspect-text.ts';
import { convert } from './model-convert.ts';
import { pack, unpack } from './model-pack.ts';
import { type Arguments, cipherOf, naming, type Terminal, writtenFile } from './model-world.ts';

const name = 'tlt-model';
const summary = 'Encrypts, decrypts, converts and inspects models and calibration files.';

/**
 * Runs `tlt-model` with the arguments after its name.
 * @throws UserError with the reason that becomes the exit status
 */
export const runModelCommand = async (argv: readonly string[], terminal: Terminal): Promise<void> => {
  const [word, ...rest] = argv;
  if (word === '-h' || word === '--help' || word === 'help')
    return terminal.print(subcommandsHelp(name, summary, Object.values(modelPrograms)));
  const known = modelCommands.find((each) => each === word);
  if (known === undefined)
    throw usageError(
      { name },
      `${word === undefined ? 'name a command' : `unknown command '${word}'`}: ${modelCommands.join(', ')}`,
    );
  await commands[known](rest, terminal);
};

type Run = (argv: readonly string[], terminal: Terminal) => Promise<void>;

/** Parses the arguments by the program's table, then runs the command or prints its help. */
const command =
  <T extends FlagTable>(
    program: Program<T>,
    work: (
      given: { readonly files: readonly string[]; readonly values: ValuesOf<T> },
      terminal: Terminal,
    ) => Promise<void>,
  ): Run =>
  async (argv, terminal) => {
    const line = parseCommandLine(program, argv);
    if (line.help !== undefined) return terminal.print(line.help);
    await work({ files: line.operands, values: line.values }, terminal);
  };

const inspect = async ({ files, values }: Arguments<'inspect'>, terminal: Terminal): Promise<void> => {
  const { env, print, complain } = terminal;
  const key = await findKey({ key: values.key, keyFile: values.key_file, env });
  const cipher = cipherOf(values, terminal);
  let failure: UserError | undefined;
  for (const file of files) {
    const found = await inspectOne(file, { key, cipher });
    if (!(found instanceof UserError)) {
      print(values.json ? `${printableJson(found)}\n` : `${reportText(found)}\n`);
      continue;
    }
    if (failure) complain(`${name}: ${printableLines(nameFields(failure.message, 'flag'))}\n`);
    failure = found; // The other files are still inspected; the last failure is the exit status.
  }
  if (failure) throw failure;
};

const inspectOne = (file: string, opener: Opener): Promise<Report | UserError> =>
  naming(file, () => inspectFile(file, opener)).catch((thrown: unknown) => {
    if (thrown instanceof UserError) return thrown;
    throw thrown;
  });

const mergeHistograms = async (
  { files, values }: Arguments<'merge-histograms'>,
  { print }: Terminal,
): Promise<void> => {
  const output = values.output_file;
  await refuseToOverwrite(output);
  const parts = await Promise.all(
    files.map(async (file) => ({ name: file, content: await readHistograms(file) })),
  );
  await writeWholeFile(output, writeHistogramFile(mergeHistogramFiles(parts)), { overwrite: false });
  print(`${await writtenFile(output)}\n`);
};

const commands: Readonly<Record<ModelCommand, Run>> = {
  pack: command(modelPrograms.pack, pack),
  unpack: command(modelPrograms.unpack, unpack),
  convert: command(modelPrograms.convert, convert),
  inspect: command(modelPrograms.inspect, inspect),
  'merge-histograms': command(modelPrograms['merge-histograms'], mergeHistograms),
};
