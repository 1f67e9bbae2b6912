/** The CustomResourceDefinitions: the schemas, the columns of `kubectl get`, and the fields it can select by. */

import type { ObjectSchema } from '../../ground/contract/schema.ts';
import { calibrationTensorfileSchema } from './calibration-tensorfile.ts';
import { exportDeviceClassSchema } from './export-device-class.ts';
import { exportGroup, type Kind, kinds } from './group.ts';
import { modelExportSchema } from './model-export.ts';
import { openApi } from './open-api.ts';

type Column = {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Columns with a priority above 0 are shown only with `-o wide`. */
  readonly priority?: number;
};

/** apiextensions.k8s.io/v1 CustomResourceDefinition. */
export type CustomResourceDefinition = {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
};

const condition = (type: string, field: 'status' | 'reason' | 'message'): string =>
  `.status.conditions[?(@.type=="${type}")].${field}`;

const age: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since the object was created.',
};

const reason: Column = {
  name: 'Reason',
  type: 'string',
  jsonPath: condition('Ready', 'reason'),
  description: 'Reason of the Ready condition.',
};

const message: Column = {
  name: 'Message',
  type: 'string',
  jsonPath: condition('Ready', 'message'),
  description: 'Message of the Ready condition.',
  priority: 1,
};

const progress: Column = {
  name: 'Progress',
  type: 'string',
  jsonPath: '.status.progress',
  description: 'Current activity.',
};

const modelExportColumns: readonly Column[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: condition('Ready', 'status'),
    description: 'Whether all artifacts are stored.',
  },
  reason,
  {
    name: 'Engines',
    type: 'string',
    jsonPath: '.status.enginesReady',
    description: 'Built engines out of requested engines.',
  },
  {
    name: 'Precision',
    type: 'string',
    jsonPath: '.spec.dataType',
    description: 'Precision of the engines.',
  },
  progress,
  age,
  {
    name: 'Etlt',
    type: 'string',
    jsonPath: '.status.export.etlt.uri',
    description: 'URI of the encrypted model.',
    priority: 1,
  },
  message,
];

const deviceClassColumns: readonly Column[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: condition('Ready', 'status'),
    description: 'Whether engines can be built for the class.',
  },
  reason,
  {
    name: 'Backend',
    type: 'string',
    jsonPath: '.spec.engine.backend',
    description: 'Engine builder.',
  },
  {
    name: 'Target',
    type: 'string',
    jsonPath: '.spec.engine.computeCapability',
    description: 'Compute capability that engines are built for.',
  },
  {
    name: 'Nodes',
    type: 'integer',
    jsonPath: '.status.matchingNodes',
    description: 'Number of ready nodes that match the class.',
  },
  {
    name: 'Hardware',
    type: 'string',
    jsonPath: condition('HardwareAvailable', 'status'),
    description: 'Whether a ready node matches the class.',
  },
  age,
  {
    name: 'Products',
    type: 'string',
    jsonPath: '.status.products',
    description: 'GPU products of the matching nodes.',
    priority: 1,
  },
  message,
];

const tensorfileColumns: readonly Column[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: condition('Ready', 'status'),
    description: 'Whether the tensorfile is stored.',
  },
  reason,
  {
    name: 'Images',
    type: 'integer',
    jsonPath: '.status.tensorfile.images',
    description: 'Number of images in the tensorfile.',
  },
  progress,
  age,
  {
    name: 'Tensorfile',
    type: 'string',
    jsonPath: '.status.tensorfile.uri',
    description: 'URI of the tensorfile.',
    priority: 1,
  },
  message,
];

type Definition = {
  readonly schema: ObjectSchema;
  readonly columns: readonly Column[];
  /** Fields for `kubectl get --field-selector`. The apiserver supports strings, integers and booleans. */
  readonly selectable: readonly string[];
};

const definition = (kind: Kind, { schema, columns, selectable }: Definition): CustomResourceDefinition => {
  const { plural, singular, shortName, scope } = kinds[kind];
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${exportGroup.group}` },
    spec: {
      group: exportGroup.group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        shortNames: [shortName],
        categories: ['tlt'],
      },
      scope,
      versions: [
        {
          name: exportGroup.version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          selectableFields: selectable.map((jsonPath) => ({ jsonPath })),
          schema: { openAPIV3Schema: openApi(schema) },
        },
      ],
    },
  };
};

/** CRD of ModelExport. */
export const modelExportCrd = definition('ModelExport', {
  schema: modelExportSchema,
  columns: modelExportColumns,
  selectable: ['.spec.architecture', '.spec.dataType', '.spec.suspend'],
});

/** CRD of ExportDeviceClass. */
export const exportDeviceClassCrd = definition('ExportDeviceClass', {
  schema: exportDeviceClassSchema,
  columns: deviceClassColumns,
  selectable: ['.spec.engine.backend'],
});

/** CRD of CalibrationTensorfile. */
export const calibrationTensorfileCrd = definition('CalibrationTensorfile', {
  schema: calibrationTensorfileSchema,
  columns: tensorfileColumns,
  selectable: ['.spec.architecture', '.spec.suspend'],
});

/** All CRDs, in the order in which they are installed and documented. */
export const crds: readonly CustomResourceDefinition[] = [
  modelExportCrd,
  calibrationTensorfileCrd,
  exportDeviceClassCrd,
];
