/** Which objects this operator reconciles. Pure. */
import { installation } from '../../ground/contract/installation.ts';

type ManagedObject = {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly spec: { readonly managedBy?: string };
};

/** False for an object that is being deleted, or whose spec.managedBy names another controller. */
export const isManagedByUs = ({ metadata, spec }: ManagedObject): boolean =>
  metadata.deletionTimestamp === undefined &&
  (spec.managedBy ?? installation.controller) === installation.controller;
