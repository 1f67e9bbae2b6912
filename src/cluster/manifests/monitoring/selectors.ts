/** Label matchers that queries of alerts and of the dashboard share. */
import { kinds } from '../../api/group.ts';

/** The controllers of this operator: other operators have metrics of the same names. */
export const ourControllers = `controller=~"${Object.values(kinds)
  .map(({ singular }) => singular)
  .join('|')}"`;
