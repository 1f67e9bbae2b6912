/** Short names of stored artifacts, for the flags of `tlt-model fetch` and `kubectl modelexport fetch`. */
import type { Manifest } from './manifest.ts';

/** Names of single artifacts. */
export const artifactNames = ['engine', 'etlt', 'codec-etlt', 'cache', 'report'] as const;
export type ArtifactName = (typeof artifactNames)[number];

/** The flag that names one artifact, or all of them. */
export const artifactChoices = [...artifactNames, 'all'] as const;
export type ArtifactChoice = (typeof artifactChoices)[number];

/** File names of an artifact in the folder of the manifest; empty if the work has no such artifact. `report` is the page. */
export const filesOfArtifact = (
  { result, files }: Pick<Manifest, 'result' | 'files'>,
  choice: ArtifactChoice,
): readonly string[] => {
  if (choice === 'all') return Object.keys(files);
  const file = fileOf(result, choice);
  return file === undefined ? [] : [file];
};

const fileOf = (result: Manifest['result'], name: ArtifactName): string | undefined => {
  if (result.kind === 'EngineBuilt') return name === 'engine' ? result.engine.file : undefined;
  if (result.kind !== 'Exported' || name === 'engine') return undefined;
  const { etlt, codecEtlt, calibrationCache, report } = result;
  if (name === 'report') return report?.pageFile ?? report?.file;
  return { etlt, 'codec-etlt': codecEtlt, cache: calibrationCache }[name]?.file;
};
