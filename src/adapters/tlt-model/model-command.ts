/** `tlt-model pack | unpack | convert | inspect | merge-histograms`: which command, and those that need no file of their own. */

import { mergedHistograms } from '../../calibration/histograms/merged-histograms.ts';
import { readHistograms } from '../../export/pipeline/histograms.ts';
import { findKey } from '../../formats/crypto/key.ts';
import { writeHistogramFile } from '../../formats/scales/histogram-file.ts';
import { UserError } from '../../ground/base/errors.ts';
import { printableJson, printableLines } from '../../ground/base/printable.ts';
import { refuseToOverwrite, writeWholeFile } from '../../ground/base/whole-file.ts';
import { modelHelps } from '../../ground/contract/model-help.ts';
import { inspectFile, type Opener, type Report } from '../inspect/inspect.ts';
import { reportText } from '../inspect/inspect-text.ts';
import { convert } from './model-convert.ts';
import { pack, unpack } from './model-pack.ts';
import { commandNames, parseWords, usage, type Words } from './model-words.ts';
import { cipherOf, naming, type Terminal, writtenFile } from './model-world.ts';

/**
 * Runs `tlt-model` with the arguments after its name.
 * @throws UserError with the reason that becomes the exit status
 */
export const runModelCommand = async (argv: readonly string[], terminal: Terminal): Promise<void> => {
  const [name, ...rest] = argv;
  if (name === undefined) throw usage(`say what to do: ${commandNames.join(', ')}`);
  if (name === '-h' || name === '--help' || name === 'help') return terminal.print(modelHelps['tlt-model']);
  const known = commandNames.find((each) => each === name);
  if (!known) throw usage(`'${name}' is not one of ${commandNames.join(', ')}`);
  const words = parseWords(known, rest);
  if (words.help) return terminal.print(modelHelps[known]);
  await commands[known](words, terminal);
};

const inspect = async (words: Words, terminal: Terminal): Promise<void> => {
  const { env, print, complain } = terminal;
  if (words.files.length === 0) throw usage('name at least one file', 'inspect');
  const key = await findKey({ key: words.key, keyFile: words.keyFile, env });
  const cipher = cipherOf(words, terminal);
  let failure: UserError | undefined;
  for (const file of words.files) {
    const found = await lookInto(file, { key, cipher });
    if (!(found instanceof UserError)) {
      print(words.json ? `${printableJson(found)}\n` : `${reportText(found)}\n`);
      continue;
    }
    if (failure) complain(`tlt-model: ${printableLines(failure.message)}\n`);
    failure = found; // the other files are still told about; the last failure is the tool's
  }
  if (failure) throw failure;
};

const lookInto = (file: string, opener: Opener): Promise<Report | UserError> =>
  naming(file, () => inspectFile(file, opener)).catch((thrown: unknown) => {
    if (thrown instanceof UserError) return thrown;
    throw thrown;
  });

const mergeHistograms = async ({ files, output }: Words, { print }: Terminal): Promise<void> => {
  if (files.length === 0) throw usage('name at least one file', 'merge-histograms');
  if (output === undefined) throw usage('say by -o where the sum goes', 'merge-histograms');
  await refuseToOverwrite(output);
  const named = await Promise.all(files.map(async (name) => ({ name, content: await readHistograms(name) })));
  await writeWholeFile(output, writeHistogramFile(mergedHistograms(named)), { overwrite: false });
  print(`${await writtenFile(output)}\n`);
};

const commands = { pack, unpack, convert, inspect, 'merge-histograms': mergeHistograms };
