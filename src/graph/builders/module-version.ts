/** The version of the TensorRT module that a Python interpreter has. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { findFamily, type TensorRtBackend } from '../../ground/plans/families.ts';

const execute = promisify(execFile);

/** Longest time to import the module, in milliseconds; TensorRT loads a gigabyte of libraries. */
const longestImportMs = 120_000;

/** @throws UserError EngineBuildFailed if Python cannot be started, or has no such module */
export const findModuleVersion = async (backend: TensorRtBackend, python: string): Promise<string> => {
  const { module } = findFamily(backend)!;
  try {
    const script = `import ${module}; print(${module}.__version__)`;
    const { stdout } = await execute(python, ['-c', script], { timeout: longestImportMs });
    return stdout.trim().split('\n').at(-1)!;
  } catch (thrown) {
    throw new UserError(
      'EngineBuildFailed',
      `Asking ${python} for its version of ${module}: ${lastLineOf(thrown)}. Use --python to name a Python interpreter that has this module.`,
      { cause: thrown },
    );
  }
};

/** A traceback ends with its error. */
const lastLineOf = (thrown: unknown): string => {
  const { stderr = '' } = Object(thrown) as { readonly stderr?: string };
  return stderr.trim().split('\n').at(-1) || messageOf(thrown);
};
