/** Permissions of the ModelExport controller. `ownedjobs/permissions.ts` has those for Jobs. */
import { makeOwnerPermissions } from '../ownedjobs/permissions.ts';

/** All rules of this controller. */
export const permissions = makeOwnerPermissions('ModelExport');
