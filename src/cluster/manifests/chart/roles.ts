/**
 * Templates of RBAC. Without `watchNamespaces` the operator has a ClusterRole; with it, a Role in each namespace, and one
 * ClusterRole for what no Role can grant, which an administrator may bind instead.
 */
import { type Permission, progressPermission } from '../../api/permissions.ts';
import type { PublishedFile } from '../file.ts';
import { installation, installedLabels } from '../names.ts';
import { clusterReader, clusterReaderName } from '../namespaced.ts';
import {
  aggregatedRoles,
  clusterScoped,
  operatorRbac,
  operatorSubjects,
  pathReaders,
  roleRef,
  ruleOf,
} from '../rbac.ts';
import { inRelease, watchedNamespace } from './in-release.ts';
import { entriesWhen, expression, itemsIn, templateFile, yamlOf } from './template.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const name = installation.operator;

/** The templates, as files in `folder`. */
export const roleTemplates = (
  folder: string,
  permissions: readonly Permission[],
): readonly PublishedFile[] => {
  const [account, clusterRole, clusterBinding, leaseRole, leaseBinding] = operatorRbac(
    permissions,
    ruleOfRelease,
  );
  return [
    templateFile(`${folder}/service-account.yaml`, [{ objects: [inRelease(annotated(account!))] }]),
    templateFile(`${folder}/roles.yaml`, [
      { objects: [leaseRole!, leaseBinding!].map((role) => inRelease(role)) },
      {
        around: 'if not .Values.watchNamespaces',
        objects: [clusterRole!, clusterBinding!, ...pathReaders].map((role) => inRelease(role)),
      },
      { around: 'range .Values.watchNamespaces', objects: rolesInNamespace(permissions) },
      {
        around: 'if and .Values.watchNamespaces .Values.rbac.clusterReader',
        objects: clusterRolesOfRelease(permissions),
      },
    ]),
    templateFile(`${folder}/user-roles.yaml`, [
      { around: 'if .Values.rbac.userRoles', objects: aggregatedRoles.map((role) => inRelease(role)) },
    ]),
  ];
};

/** Reading the progress of pods can be turned off. */
const ruleOfRelease = (permission: Permission): readonly (object | string)[] =>
  permission === progressPermission
    ? itemsIn('if $.Values.progressSeconds', [ruleOf(permission)])
    : [ruleOf(permission)];

const annotated = (account: object): object => {
  const { metadata, ...rest } = account as { readonly metadata: object };
  const path = '.Values.serviceAccountAnnotations';
  return { ...rest, metadata: { ...metadata, ...entriesWhen(path, { annotations: yamlOf(path) }) } };
};

const rolesInNamespace = (permissions: readonly Permission[]): readonly object[] => {
  const metadata = { name, namespace: installation.namespace, labels: installedLabels };
  const rules = permissions.filter((permission) => !clusterScoped(permission)).flatMap(ruleOfRelease);
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    { apiVersion, kind: 'RoleBinding', metadata, roleRef: roleRef('Role', name), subjects: operatorSubjects },
  ].map((role) => inRelease(role, watchedNamespace));
};

/** Each release has its own ClusterRole, so that uninstalling one leaves the others. */
const ofRelease = (role: string): string => expression(`${role}.{{ .Release.Namespace }}`);

const clusterRolesOfRelease = (permissions: readonly Permission[]): readonly object[] => {
  const metadata = { name: ofRelease(clusterReaderName), labels: installedLabels };
  return [
    { ...clusterReader(permissions), metadata },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: roleRef('ClusterRole', metadata.name),
      subjects: operatorSubjects,
    },
    ...pathReaders.map((role) => ({
      ...role,
      metadata: { ...role.metadata, name: ofRelease(role.metadata.name) },
    })),
  ].map((role) => inRelease(role));
};
