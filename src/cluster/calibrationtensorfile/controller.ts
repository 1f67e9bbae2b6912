/** Cache and reconciler of CalibrationTensorfiles. */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import { resourceOf } from '../api/group.ts';
import { type NamespaceScope, projectOwner } from '../ownedjobs/caches.ts';
import { makeOwnerReconciler, type ReconcilerDeps } from '../ownedjobs/reconciler.ts';
import { findWaiting, waitingIndex } from '../ownedjobs/waiting.ts';
import type { Reconcile } from '../runtime/controller.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';
import { decide } from './decide.ts';
import { observe, type TensorfileStores } from './observe.ts';

/** REST resource of CalibrationTensorfiles. */
export const tensorfileResource = resourceOf('CalibrationTensorfile');

/** Informer options for CalibrationTensorfiles. */
export const tensorfileCacheOptions = (
  scope: NamespaceScope,
  onChange: (change: Change<CalibrationTensorfile>) => void,
): InformerOptions<CalibrationTensorfile> => ({
  ...scope,
  resource: tensorfileResource,
  project: (raw, cached) => projectOwner(raw as CalibrationTensorfile, cached),
  indexes: { [waitingIndex]: findWaiting },
  onChange,
});

/** The reconcile function of CalibrationTensorfiles. */
export const makeTensorfileReconciler = (deps: ReconcilerDeps<TensorfileStores>): Reconcile =>
  makeOwnerReconciler(
    {
      find: ({ tensorfiles }, key) => tensorfiles.get(key),
      observe,
      ownerOf: ({ tensorfile }) => tensorfile,
      decide,
    },
    deps,
  );
