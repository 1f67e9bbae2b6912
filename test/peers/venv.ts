/** Runs the Python programs that our results are compared with, in a virtual environment outside the clone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, digestOf } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

/** Path of a Python with the packages of a folder's requirements.txt, this folder's by default; created once. */
export const peerPython = async (of: string = import.meta.dirname): Promise<string> => {
  const requirements = join(of, 'requirements.txt');
  const version = await run('python3', ['--version']);
  const name = `peers-${digestOf(of, ['requirements.txt'], version)}`;
  const folder = await cached(name, async (path) => {
    await run('python3', ['-m', 'venv', path]);
    const count = readFileSync(requirements, 'utf8').trim().split('\n').length;
    const pip = ['-m', 'pip', 'install', '--quiet', '--requirement', requirements];
    await run(join(path, 'bin', 'python'), pip, {
      label: `installing ${count} Python packages (first run only)`,
    });
  });
  return join(folder, 'bin', 'python');
};

/** Disables onnxruntime's telemetry. */
export const noReports = { ORT_DISABLE_TELEMETRY: '1' };

/** One thread: NumPy would start one per processor, but the computations are small. */
const env = { ...noReports, OPENBLAS_NUM_THREADS: '1' };

/** Runs a script of this folder; the last line of its output is JSON. */
export const runPeer = async (script: string, args: readonly string[]): Promise<unknown> => {
  const output = await run(await peerPython(), [join(import.meta.dirname, script), ...args], { env });
  return JSON.parse(output.trim().split('\n').at(-1) ?? 'null');
};
