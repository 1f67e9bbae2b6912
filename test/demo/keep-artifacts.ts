/** Copies the artifacts of an export into a folder that is kept after the cluster has ended. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { sha256 } from '../../src/ground/base/digest.ts';

export type KeptArtifact = {
  readonly what: string;
  readonly uri: string;
  readonly sha256: string;
  /** Path of the copy. */
  readonly path: string;
};

/**
 * Replaces the folder with copies of all artifacts in status.
 * @throws Error if an artifact does not have the digest in status
 */
export const keepArtifacts = async (
  readArtifact: (uri: string) => Promise<Uint8Array>,
  status: ModelExportStatus,
  folder: string,
): Promise<readonly KeptArtifact[]> => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const copied: KeptArtifact[] = [];
  for (const each of artifactsOf(status)) {
    const bytes = await readArtifact(each.uri);
    const path = join(folder, each.file);
    const digest = sha256(bytes);
    if (each.sha256 !== undefined && each.sha256 !== digest)
      throw new Error(`${each.uri} has the digest ${digest}; status says ${each.sha256}`);
    await writeFile(path, bytes);
    copied.push({ what: each.what, uri: each.uri, sha256: digest, path });
  }
  return copied;
};

type Listed = {
  readonly what: string;
  readonly uri: string;
  readonly sha256?: string;
  readonly file: string;
};

const artifactsOf = (status: ModelExportStatus): readonly Listed[] => {
  const { etlt, calibrationCache, report } = status.export!;
  const engines = status.engines!.map(({ deviceClass, uri, sha256: digest }) => ({
    what: `engine ${deviceClass}`,
    uri: uri!,
    sha256: digest!,
    file: `${deviceClass}-${basename(uri!)}`,
  }));
  return [
    { what: '.etlt', ...etlt!, file: basename(etlt!.uri) },
    { what: 'calibration cache', ...calibrationCache!, file: basename(calibrationCache!.uri) },
    ...engines,
    { what: 'report', uri: report!.pageUri!, file: basename(report!.pageUri!) },
  ];
};
