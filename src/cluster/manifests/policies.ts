/**
 * `deploy/policies/`: an allow-list of the images that tenants may run with a Secret of their namespace mounted. The
 * apiserver enforces it at admission; one ConfigMap lists the allowed images.
 */
import { exportGroup, kinds } from '../api/group.ts';
import { installation, installedLabels } from './names.ts';

const apiVersion = 'admissionregistration.k8s.io/v1';
const name = 'tlt-export-images';

/** Keys of the ConfigMap; each value has one allowed image per line. */
const allowed = { codecs: 'codecs', builders: 'builders' } as const;

/** The ConfigMap with the allowed images, empty at first. */
export const allowList = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: installation.namespace, labels: installedLabels },
  data: {
    /** Image by digest, then its command: another command of an allowed image could print the key. */
    [allowed.codecs]: '',
    [allowed.builders]: '',
  },
} as const;

const lines = (key: string): string => `params.data[?'${key}'].orValue('').split('\\n')`;

type Rule = {
  readonly name: string;
  readonly resource: string;
  readonly expression: string;
  readonly message: string;
};

const codecRule: Rule = {
  name: 'tlt-export-codec-images',
  resource: kinds.ModelExport.plural,
  expression: `!has(object.spec.codec) || (object.spec.codec.command.all(w, !w.matches('[[:space:]]')) && (object.spec.codec.image + ' ' + object.spec.codec.command.join(' ')) in ${lines(allowed.codecs)})`,
  message: `spec.codec is not in the allow-list of codecs (ConfigMap ${name}, key ${allowed.codecs}): add a line with the image by digest and the entries of its command, separated by single spaces`,
};

const builderRule: Rule = {
  name: 'tlt-export-builder-images',
  resource: kinds.ExportDeviceClass.plural,
  expression: `!has(object.spec.engine.image) || object.spec.engine.image in ${lines(allowed.builders)}`,
  message: `spec.engine.image is not in the allow-list of builders (ConfigMap ${name}, key ${allowed.builders})`,
};

const policy = ({ name: metadataName, resource, expression, message }: Rule) => ({
  apiVersion,
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: metadataName, labels: installedLabels },
  spec: {
    failurePolicy: 'Fail',
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [exportGroup.group],
          apiVersions: [exportGroup.version],
          operations: ['CREATE', 'UPDATE'],
          resources: [resource],
        },
      ],
    },
    validations: [{ expression, message, reason: 'Forbidden' }],
  },
});

const binding = ({ name: metadataName }: Rule) => ({
  apiVersion,
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name: metadataName, labels: installedLabels },
  spec: {
    policyName: metadataName,
    paramRef: { name, namespace: installation.namespace, parameterNotFoundAction: 'Deny' },
    validationActions: ['Deny'],
  },
});

/** ValidatingAdmissionPolicies and their bindings. */
export const imagePolicies: readonly object[] = [codecRule, builderRule].flatMap((rule) => [
  policy(rule),
  binding(rule),
]);
