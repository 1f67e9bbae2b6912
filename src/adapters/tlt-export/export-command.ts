/** `tlt-export`: exports a model to files and logs the same lines as TLT. */
import { existsSync } from 'node:fs';
import { startThreads } from '../../calibration/pass/started-threads.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { exportProgram } from '../../ground/contract/programs.ts';
import { parseCommandLine } from '../cli/command-line.ts';
import type { ToolContext } from '../cli/tool-context.ts';

/** Runs `tlt-export` with the arguments after its name. @throws UserError with the reason that determines the exit code */
export const runExportCommand = async (argv: readonly string[], context: ToolContext): Promise<void> => {
  const line = parseCommandLine(exportProgram, argv);
  if (line.help !== undefined) return context.print(line.help);
  if (willCalibrate(line.values)) startThreads();
  const { runExport } = await import('./run-export.ts'); // Hundreds of modules, while the threads load theirs.
  await runExport(line.operands[0] as Architecture, line.values, context);
};

/** Whether images are to be counted, as far as the flags tell: a model may have scales from training. */
const willCalibrate = ({ data_type, cal_cache_file, ...given }: ExportValues): boolean => {
  const namesData = given.cal_image_dir !== undefined || given.cal_data_file !== undefined;
  const existing = [cal_cache_file, given.cal_histogram_file].some(
    (file) => file !== undefined && existsSync(file),
  );
  return data_type === 'int8' && namesData && !existing;
};
