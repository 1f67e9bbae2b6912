/** Engines of one network for two GPUs, by the builder's stand-in for classic TensorRT. */
import { modelFile } from '../models/models.ts';
import { type Gpu, gpus, writeStandInPython } from '../tensorrt/stand-in.ts';
import { aFolder, runTool } from './tool.ts';

const fleet = {
  t4: { gpu: { capability: '7.5', name: 'Tesla T4' }, most: '8' },
  a10: { gpu: gpus.a10, most: '4' },
} as const satisfies Record<string, { readonly gpu: Gpu; readonly most: string }>;
export type FleetGpu = keyof typeof fleet;

/** Builds an engine of a detector for one of the GPUs, with its description. */
export const buildFor = async (name: FleetGpu, cwd: string, file: string): Promise<void> => {
  const { gpu, most } = fleet[name];
  const python = await writeStandInPython(cwd, { version: '10.3.0', gpu });
  const engine = ['-t', 'fp16', '-m', most, '-e', file, '--python', python];
  const deployment = ['--deployment', '--architecture', 'detectnet_v2', modelFile('detectnet_v2')];
  const { code, stderr } = await runTool('tlt-converter', [...engine, ...deployment], { cwd });
  if (code !== 0) throw new Error(stderr);
};

/** A folder with the engines `t4.engine` and `a10.engine`, and their descriptions. */
export const aFleet = async (): Promise<string> => {
  const cwd = aFolder();
  for (const name of ['t4', 'a10'] as const) await buildFor(name, cwd, `${name}.engine`);
  return cwd;
};
