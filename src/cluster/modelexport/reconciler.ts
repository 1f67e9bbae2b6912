/** The reconciler of ModelExports. */
import { makeOwnerReconciler, type ReconcilerDeps } from '../ownedjobs/reconciler.ts';
import type { Reconcile } from '../runtime/controller.ts';
import { decide } from './decide.ts';
import { observe, type Stores } from './observe.ts';

export const makeReconciler = (deps: ReconcilerDeps<Stores>): Reconcile =>
  makeOwnerReconciler(
    {
      find: ({ modelExports }, key) => modelExports.get(key),
      observe,
      ownerOf: ({ modelExport }) => modelExport,
      decide,
    },
    deps,
  );
