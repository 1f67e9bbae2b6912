/** Permissions of the CalibrationTensorfile controller. `ownedjobs/permissions.ts` has those for Jobs. */
import { makeOwnerPermissions } from '../ownedjobs/permissions.ts';

/** All rules of this controller. */
export const permissions = makeOwnerPermissions('CalibrationTensorfile');
