/** The API group and its kinds. */
const group = 'export.tlt.dev';
const version = 'v1beta1';

/** Group and version of all kinds. */
export const exportGroup = { group, version, apiVersion: `${group}/${version}` } as const;

/** The names and the scope of each kind. */
export const kinds = {
  ModelExport: {
    kind: 'ModelExport',
    plural: 'modelexports',
    singular: 'modelexport',
    shortName: 'mex',
    scope: 'Namespaced',
  },
  CalibrationTensorfile: {
    kind: 'CalibrationTensorfile',
    plural: 'calibrationtensorfiles',
    singular: 'calibrationtensorfile',
    shortName: 'caltf',
    scope: 'Namespaced',
  },
  ExportDeviceClass: {
    kind: 'ExportDeviceClass',
    plural: 'exportdeviceclasses',
    singular: 'exportdeviceclass',
    shortName: 'edc',
    scope: 'Cluster',
  },
} as const;

/** A kind of the API group. */
export type Kind = keyof typeof kinds;

/** The REST resource of a kind. */
export const resourceOf = (kind: Kind) => ({ group, version, plural: kinds[kind].plural }) as const;
