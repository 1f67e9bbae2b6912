/** Dispatches the subcommands of `tlt-model`, and implements `inspect` and `merge-histograms`. */
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
import { formatSubcommandsHelp } from '../cli/help-text.ts';
import { type FileDescription, inspectFile, type OpenOptions } from '../inspect/inspect.ts';
import { formatDescription } from '../inspect/inspect-text.ts';
import {
  type Arguments,
  describeFile,
  type ModelToolContext,
  makeCipher,
  withFileName,
} from './model-context.ts';
import { convert } from './model-convert.ts';
import { fetchStored } from './model-fetch.ts';
import { pack, unpack } from './model-pack.ts';
import { makeTritonRepository } from './triton-repository.ts';

const name = 'tlt-model';
const summary = 'Encrypts, decrypts, converts, inspects and fetches models and calibration files.';
const note = 'Existing files are never overwritten, and an output appears complete or not at all.';

/**
 * Runs `tlt-model` with the arguments after its name.
 * @throws UserError with the reason that determines the exit code
 */
export const runModelCommand = async (argv: readonly string[], context: ModelToolContext): Promise<void> => {
  const [word, ...rest] = argv;
  if (word === '-h' || word === '--help' || word === 'help')
    return context.print(formatSubcommandsHelp({ name, summary, note }, Object.values(modelPrograms)));
  const known = modelCommands.find((each) => each === word);
  if (known === undefined)
    throw usageError(
      { name },
      `${word === undefined ? 'name a command' : `unknown command '${word}'`}: ${modelCommands.join(', ')}`,
    );
  await commands[known](rest, context);
};

type Run = (argv: readonly string[], context: ModelToolContext) => Promise<void>;

/** Makes a subcommand: parses its arguments, then runs it or prints its help. */
const command =
  <T extends FlagTable>(
    program: Program<T>,
    work: (
      given: { readonly files: readonly string[]; readonly values: ValuesOf<T> },
      context: ModelToolContext,
    ) => Promise<void>,
  ): Run =>
  async (argv, context) => {
    const line = parseCommandLine(program, argv);
    if (line.help !== undefined) return context.print(line.help);
    await work({ files: line.operands, values: line.values }, context);
  };

const inspect = async ({ files, values }: Arguments<'inspect'>, context: ModelToolContext): Promise<void> => {
  const { env, print, printError } = context;
  const key = await findKey({ key: values.key, keyFile: values.key_file, env });
  const cipher = makeCipher(values, context);
  let failure: UserError | undefined;
  for (const file of files) {
    const found = await inspectOne(file, { key, cipher });
    if (!(found instanceof UserError)) {
      print(values.json ? `${printableJson(found)}\n` : `${formatDescription(found)}\n`);
      continue;
    }
    if (failure) printError(`${name}: ${printableLines(nameFields(failure.message, 'flag'))}\n`);
    failure = found; // The other files are still inspected. The last failure determines the exit code.
  }
  if (failure) throw failure;
};

const inspectOne = (file: string, opener: OpenOptions): Promise<FileDescription | UserError> =>
  withFileName(file, () => inspectFile(file, opener)).catch((thrown: unknown) => {
    if (thrown instanceof UserError) return thrown;
    throw thrown;
  });

const mergeHistograms = async (
  { files, values }: Arguments<'merge-histograms'>,
  { print }: ModelToolContext,
): Promise<void> => {
  const output = values.output_file;
  await refuseToOverwrite(output);
  const parts = await Promise.all(
    files.map(async (file) => ({ name: file, content: await readHistograms(file) })),
  );
  await writeWholeFile(output, writeHistogramFile(mergeHistogramFiles(parts)), { overwrite: false });
  print(`${await describeFile(output)}\n`);
};

const commands: Readonly<Record<ModelCommand, Run>> = {
  pack: command(modelPrograms.pack, pack),
  unpack: command(modelPrograms.unpack, unpack),
  convert: command(modelPrograms.convert, convert),
  inspect: command(modelPrograms.inspect, inspect),
  'merge-histograms': command(modelPrograms['merge-histograms'], mergeHistograms),
  fetch: command(modelPrograms.fetch, fetchStored),
  'triton-repository': command(modelPrograms['triton-repository'], makeTritonRepository),
};
