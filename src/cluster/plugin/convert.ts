/** `convert`: a command line of `tlt-export` as the manifest of a ModelExport. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { architectures } from '../../ground/contract/architectures.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { exportGroup } from '../api/group.ts';
import { makeCalibration } from './convert-calibration.ts';
import { refuseWithoutCounterpart } from './convert-flags.ts';
import type { ExportLine } from './convert-line.ts';
import { type PathClaim, parentOf, toUri } from './convert-paths.ts';

/** What the command line does not contain. */
export type ManifestChoices = {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly claim: PathClaim;
  readonly keySecret: string;
  readonly deviceClasses: readonly string[];
};

/** The manifest, and what the user has to know about it. */
export type Converted = { readonly manifest: object; readonly notes: readonly string[] };

/** @throws UserError Usage naming each flag without a counterpart, and each path outside of the claim */
export const convertLine = (line: ExportLine, choices: ManifestChoices): Converted => {
  refuseWithoutCounterpart(line.values);
  return { manifest: makeManifest(line, choices), notes: makeNotes(line.values, choices) };
};

const makeManifest = (line: ExportLine, choices: ManifestChoices): object => {
  const { architecture, values, settings } = line;
  const { name, namespace, claim, keySecret, deviceClasses } = choices;
  const spec = values.experiment_spec;
  if (architectures[architecture].needsSpec && spec === undefined)
    throw new UserError(
      'Usage',
      `Converting the command line: -e is missing, and ${architecture} requires the experiment spec of the training.`,
    );
  return {
    apiVersion: exportGroup.apiVersion,
    kind: 'ModelExport',
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec: {
      architecture,
      model: { uri: toUri(claim, { flag: 'model', path: values.model }), ...settings },
      keySecretRef: { name: keySecret },
      ...(spec !== undefined && {
        experimentSpec: { uri: toUri(claim, { flag: 'experiment_spec', path: spec }) },
      }),
      dataType: values.data_type,
      ...makeEngineFields(values),
      ...makeCalibration(line, claim),
      output: { uri: makeOutputUri(values, choices) },
      deviceClasses: deviceClasses.map((each) => ({ name: each })),
    },
  };
};

/** Fields with the default of `tlt-export`, which is that of the API, are left out. */
const makeEngineFields = (values: ExportValues) => ({
  ...(values.force_ptq && { forcePtq: true }),
  ...(values.strict_type_constraints && { strictTypeConstraints: true }),
  ...(values.max_batch_size !== defaults.maxBatchSize && { maxBatchSize: values.max_batch_size }),
  ...(values.max_workspace_size !== defaults.maxWorkspaceSize && {
    maxWorkspaceSize: toQuantity(values.max_workspace_size),
  }),
});

const toQuantity = (bytes: number): string => {
  const units = [
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
    ['Ki', 2 ** 10],
  ] as const;
  const [suffix, size] = units.find(([, each]) => bytes % each === 0) ?? ['', 1];
  return `${bytes / size}${suffix}`;
};

/** The folder of -o; the name of the object, if -o names no folder of the claim. */
const makeOutputUri = ({ output_file: file }: ExportValues, { claim, name }: ManifestChoices): string => {
  const folder = file === undefined ? undefined : parentOf(claim, { flag: 'output_file', path: file });
  return toUri(claim, { flag: 'output_file', path: folder || name });
};

const makeNotes = (values: ExportValues, { keySecret }: ManifestChoices): readonly string[] => {
  const file = values.key_file ?? 'FILE';
  const named = (['output_file', 'engine_file', 'report'] as const).filter(
    (flag) => values[flag] !== undefined,
  );
  const cache = values.cal_cache_file === defaults.calibrationCacheFile ? [] : (['cal_cache_file'] as const);
  const files = [...named, ...cache].map((flag) => `--${flag}`);
  return [
    `The key comes from the Secret ${keySecret}. Create it with: kubectl create secret generic ${keySecret} --from-file=key=${file}`,
    ...(files.length === 0
      ? []
      : [
          `The operator chooses the names of files; status lists them. The names in ${files.join(', ')} are not used.`,
        ]),
  ];
};
