/** Writes the artifacts of an export to the files that the flags name, and logs each. */
import { readFile } from 'node:fs/promises';
import { basename, parse as parsePath } from 'node:path';
import type { ExportArtifact } from '../../export/pipeline/artifacts.ts';
import type { ReportFile } from '../../export/report/report.ts';
import { sha256 } from '../../ground/base/digest.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import type { ExportContext } from '../cli/tool-context.ts';

/** Output path of each artifact; undefined if it was not requested. */
export type ArtifactPaths = {
  readonly etlt: string;
  readonly calibrationCache: string;
  readonly tensorScales: string | undefined;
  readonly report: string | undefined;
  readonly reportPage: string | undefined;
};

/** Reads the output paths from the flags. The `.etlt` defaults to the model's name in the current folder. */
export const artifactPaths = (values: ExportValues): ArtifactPaths => ({
  etlt: values.output_file ?? `./${parsePath(values.model).name}.etlt`,
  calibrationCache: values.cal_cache_file,
  tensorScales: values.cal_json_file,
  report: values.report === undefined ? undefined : `${values.report.replace(/\.html$/, '')}.json`,
  reportPage: values.report,
});

/** Makes a function that adds one artifact to the outputs of a run. @throws UserError OutputExists, OutputUnwritable, DiskFull */
export const makeArtifactWriter =
  (paths: ArtifactPaths, { outputs, logAtEnd }: ExportContext) =>
  async (artifact: ExportArtifact): Promise<ReportFile> => {
    const path = findPath(artifact, paths);
    await outputs.write(path, artifact.content);
    const message = describeSaved(artifact, path);
    if (message !== undefined) logAtEnd(message);
    const bytes = await readFile(outputs.placeOf(path));
    return { name: basename(path), sha256: sha256(bytes), sizeBytes: bytes.length };
  };

const findPath = ({ role }: ExportArtifact, paths: ArtifactPaths): string => {
  const path = isOfPod(role) ? undefined : paths[role];
  if (path === undefined) throw new RangeError(`no flag names a file for the artifact ${role}`);
  return path;
};

/** Artifacts that only engine pods read. */
const ofPods = ['codecEtlt', 'distributions', 'verification', 'deployment'] as const;
const isOfPod = (role: ExportArtifact['role']): role is (typeof ofPods)[number] =>
  (ofPods as readonly string[]).includes(role);

const describeSaved = (artifact: ExportArtifact, path: string): string | undefined => {
  switch (artifact.role) {
    case 'etlt':
      return `Converted model was saved into ${path}`;
    case 'tensorScales':
      return `Scales generated during QAT were saved into ${path}`;
    case 'reportPage':
      return `Report was saved into ${path}, its figures into ${path.replace(/\.html$/, '')}.json`;
    case 'calibrationCache': {
      const { tensors, images, algorithm } = artifact.facts;
      const from = algorithm === 'Trained' ? 'the training' : `${images} images`;
      return `Calibration cache of ${tensors} tensors from ${from} was saved into ${path}`;
    }
    default:
      return undefined;
  }
};
