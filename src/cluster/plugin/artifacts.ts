/** `fetch` and `report`: which stored files are meant, by status. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { type ArtifactChoice, artifactNames } from '../../ground/contract/artifact-names.ts';
import { findCondition } from '../api/conditions.ts';
import type { ModelExport } from '../api/model-export.ts';
import { commandFor } from './requests.ts';

/** A stored file, and the name of its copy. */
export type WantedFile = {
  readonly file: string;
  readonly uri: string;
  /** Undefined for files that only the manifest of their folder describes. */
  readonly content?: { readonly sha256: string; readonly sizeBytes?: number };
};

/** What the flags say. */
export type ArtifactRequest = {
  /** Default: everything, or the engine of the class. */
  readonly what?: ArtifactChoice | undefined;
  readonly deviceClass?: string | undefined;
};

/**
 * The files that status lists.
 * @throws UserError Usage for flags that contradict each other; InputNotFound if a named artifact is not stored
 */
export const chooseArtifacts = (
  modelExport: ModelExport,
  { deviceClass, what = deviceClass === undefined ? 'all' : 'engine' }: ArtifactRequest,
): readonly WantedFile[] => {
  if (deviceClass !== undefined && what !== 'engine')
    throw new UserError(
      'Usage',
      `Reading --class: it selects an engine, but --what is ${what}. Omit one of the two.`,
    );
  const stored = listStored(modelExport, deviceClass);
  const found = what === 'all' ? artifactNames.flatMap((name) => stored[name]) : stored[what];
  const report = what === 'all' ? listNumbers(modelExport) : [];
  if (found.length > 0) return [...found, ...report];
  throw notStored(modelExport, what, deviceClass);
};

type Stored = Readonly<Record<(typeof artifactNames)[number], readonly WantedFile[]>>;

const listStored = ({ status }: ModelExport, deviceClass: string | undefined): Stored => {
  const { etlt, codecEtlt, calibrationCache, report } = status?.export ?? {};
  const page = report?.pageUri ?? report?.uri;
  return {
    engine: (status?.engines ?? [])
      .filter((engine) => deviceClass === undefined || engine.deviceClass === deviceClass)
      .flatMap(({ deviceClass: name, ...engine }) => wantFile(engine, `${name}-`)),
    etlt: wantFile(etlt),
    'codec-etlt': wantFile(codecEtlt),
    cache: wantFile(calibrationCache),
    report: wantFile(page === undefined ? undefined : { uri: page }),
  };
};

/** The numbers of the report, next to its page. */
const listNumbers = ({ status }: ModelExport): readonly WantedFile[] => {
  const { uri, pageUri } = status?.export?.report ?? {};
  return wantFile(uri === undefined || pageUri === undefined ? undefined : { uri });
};

type Described = { readonly uri?: string; readonly sha256?: string; readonly sizeBytes?: number };

const wantFile = (described: Described | undefined, prefix = ''): readonly WantedFile[] => {
  const { uri, sha256, sizeBytes } = described ?? {};
  if (uri === undefined) return [];
  const content =
    sha256 === undefined ? undefined : { sha256, ...(sizeBytes !== undefined && { sizeBytes }) };
  return [{ file: `${prefix}${nameIn(uri)}`, uri, ...(content && { content }) }];
};

/** The last part of a URI. */
export const nameIn = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1);

const notStored = (
  { metadata, spec, status }: ModelExport,
  what: ArtifactChoice,
  deviceClass: string | undefined,
): UserError => {
  const { namespace, name } = metadata;
  const doing = `Fetching from ${namespace}/${name}`;
  const classes = spec.deviceClasses.map((each) => each.name);
  if (deviceClass !== undefined && !classes.includes(deviceClass))
    return new UserError(
      'Usage',
      `${doing}: it has no device class '${deviceClass}'. Its classes are: ${classes.join(', ')}.`,
    );
  const engine = status?.engines?.find((each) => each.deviceClass === deviceClass);
  const condition =
    deviceClass === undefined
      ? findCondition(status?.conditions, what === 'engine' ? 'EnginesReady' : 'Exported')
      : findCondition(engine?.conditions, 'Built');
  const why = condition === undefined ? '' : ` (${condition.reason}: ${condition.message})`;
  const wanted = deviceClass === undefined ? `'${what}'` : `engine of class ${deviceClass}`;
  return new UserError(
    'InputNotFound',
    `${doing}: no ${what === 'all' ? 'artifact' : wanted} is stored${why}. See ${commandFor('status', metadata)}.`,
  );
};
