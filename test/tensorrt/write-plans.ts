/** Entry: writes plans.json again, after a change of the planner that is meant. Read the difference before it is committed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planTensorRt } from '../../src/ground/plans/make-plan.ts';
import { combinations } from './combinations.ts';

const plans = combinations.map(({ name, request }) => {
  const { plan, refused } = planTensorRt(request);
  return `  ${JSON.stringify(name)}: ${JSON.stringify(plan ?? refused)}`;
});
writeFileSync(join(import.meta.dirname, '../fixtures/tensorrt/plans.json'), `{\n${plans.join(',\n')}\n}\n`);
