/** Checks an open page by axe-core, the rules that browsers' own accessibility audits use. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser } from './browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Rule, elements and summary of each violation of WCAG 2.2 A and AA and of the best practices; empty for a page without any. */
export const findViolations = async ({ evaluate }: Browser): Promise<readonly string[]> => {
  await evaluate(axe);
  const found = await evaluate(
    "axe.run().then((found) => ({ passes: found.passes.length, violations: found.violations.map((each) => each.id + ': ' + each.nodes.map((node) => node.html + ' ' + node.failureSummary).join('; ')) }))",
  );
  const { passes, violations } = found as { readonly passes: number; readonly violations: readonly string[] };
  if (passes < 10) throw new Error(`axe-core applied ${passes} rules only`);
  return violations;
};
