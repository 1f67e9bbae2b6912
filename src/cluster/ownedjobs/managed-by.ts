/** Whether this operator acts on an object: not once it is being deleted, and not for another controller. Pure. */
import { managedByUs } from '../api/labels.ts';

type ManagedObject = {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly spec: { readonly managedBy?: string };
};

export const isManagedByUs = ({ metadata, spec }: ManagedObject): boolean =>
  metadata.deletionTimestamp === undefined && (spec.managedBy ?? managedByUs) === managedByUs;
