/** The page of all exports in a real browser, served as by the operator. */
import type { ExecutionContext } from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { makeExportsPage } from '../../src/cluster/page/serve-page.ts';
import { type RunningServer, serve } from '../../src/cluster/runtime/probes.ts';
import { findViolations } from '../browser/accessibility.ts';
import type { Browser } from '../browser/browser.ts';
import { anExportOf, severalExports } from './sample.ts';

/** Serves the page of these exports; the server's address ends in /exports. */
export const servePage = async (
  exports: readonly ModelExport[],
): Promise<{ readonly server: RunningServer; readonly url: string }> => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const countNodes = (name: string) => (name === 'ampere' ? 2 : 1);
  const server = await serve('127.0.0.1:0', {
    '/exports': makeExportsPage(() => ({ exports, countNodes, now })),
  });
  return { server, url: `http://127.0.0.1:${server.port}/exports` };
};

const hostile = '</td></title><script>window.hurt = 1</script><img src=x onerror="window.hurt=2">';

const namesShown =
  "[...document.querySelectorAll('tbody th')].map((cell) => cell.firstChild.textContent).join()";

/** It loads nothing else, runs nothing, can be read and filtered by keyboard, and axe-core finds no violation in either scheme. */
export const checkExportsPage = async (t: ExecutionContext, browser: Browser): Promise<void> => {
  const { server, url } = await servePage([
    ...severalExports(),
    anExportOf({ name: hostile, namespace: 'zoo', message: hostile }),
  ]);
  try {
    const [requests, complaints] = [browser.requests.length, browser.complaints.length];
    for (const colours of ['dark', 'light'] as const) {
      await browser.open(url, colours);
      t.deepEqual(await findViolations(browser), [], colours);
    }
    t.is(await browser.evaluate('window.hurt'), undefined);
    t.is(await browser.evaluate("document.querySelectorAll('tbody tr').length"), 5);
    await browser.evaluate(
      `{ const f = document.querySelector('[name=name]'); f.value = 'det'; f.focus(); }`,
    );
    await browser.press('Enter');
    const filtered = `${url}?namespace=&name=det&state=`;
    await browser.open(filtered, 'light');
    t.is(await browser.evaluate(namesShown), 'detector');
    t.deepEqual([...new Set(browser.requests.slice(requests))], [url, filtered]);
    t.deepEqual(browser.complaints.slice(complaints), []);
  } finally {
    await server.close();
  }
};
