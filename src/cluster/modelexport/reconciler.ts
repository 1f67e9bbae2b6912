/** The reconciler of ModelExports. */
import { makeOwnerReconciler, type ReconcilerDeps } from '../ownedjobs/reconciler.ts';
import type { Reconcile } from '../runtime/controller.ts';
import { decide } from './decide.ts';
import { type ModelExportStores, observe } from './observe.ts';

/** The reconcile function of ModelExports. */
export const makeModelExportReconciler = (deps: ReconcilerDeps<ModelExportStores>): Reconcile =>
  makeOwnerReconciler(
    {
      find: ({ modelExports }, key) => modelExports.get(key),
      observe,
      ownerOf: ({ modelExport }) => modelExport,
      decide,
    },
    deps,
  );
