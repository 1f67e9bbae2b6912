/** `tlt-int8-tensorfile`: the command line is TLT's; writing tensorfiles comes with an upgrade. */
import { UserError } from '../base/errors.ts';
import { tensorfileFlags, tensorfileModules } from '../contract/flags.ts';
import { parseCommandLine, type Tool } from './command-line.ts';

const tool: Tool = {
  name: 'tlt-int8-tensorfile',
  summary: 'Writes preprocessed training images into a tensorfile for int8 calibration.',
  modules: tensorfileModules,
  examples: ['tlt-int8-tensorfile classification -e spec.cfg -m 10 -o calibration.tensor'],
};

/** @throws UserError Usage, NotYetSupported */
export const runTensorfileCommand = (argv: readonly string[], print: (text: string) => void): void => {
  const line = parseCommandLine(tool, tensorfileFlags, argv);
  if (line.help !== undefined) {
    print(line.help);
    return;
  }
  throw new UserError(
    'NotYetSupported',
    'Writing a tensorfile: this version makes one from a folder of images: use tlt-export --cal_image_dir with --cal_data_file. Nothing was written.',
  );
};
