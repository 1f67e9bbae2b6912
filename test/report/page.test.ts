/** The page in a real browser: it requests nothing, reports no error, and can be read, sorted and filtered. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { reportPage } from '../../src/export/report/page.ts';
import type { ExportReport } from '../../src/export/report/report.ts';
import { findViolations } from '../browser/accessibility.ts';
import { type Browser, startBrowser } from '../browser/browser.ts';
import { checkExportsPage } from '../page/in-browser.ts';
import { sampleReport } from './sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'tlt-report-'));
let browser: Browser;

test.before(async () => {
  browser = await startBrowser();
});
test.after.always(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const hostile =
  '</script></title><script>window.hurt = 1</script><img src=x onerror="window.hurt=2">&amp;\'"';

const opened = async (report: ExportReport, colours: 'light' | 'dark' = 'light'): Promise<string> => {
  const path = join(folder, 'report.html');
  writeFileSync(path, reportPage(report));
  const url = pathToFileURL(path).href;
  await browser.open(url, colours);
  return url;
};

const names = (): Promise<unknown> =>
  browser.evaluate(
    "[...document.querySelectorAll('#tensors tbody tr')].filter((row) => !row.hidden).map((row) => row.cells[0].textContent)",
  );

test.serial('the page is complete without any request, and the browser reports no error', async (t) => {
  const before = browser.requests.length;
  const url = await opened(sampleReport(['a', 'b', 'c']));
  t.is(await browser.evaluate("document.querySelectorAll('#tensors tbody tr svg path').length >= 3"), true);
  t.is(await browser.evaluate("document.querySelectorAll('.overview circle').length"), 3);
  t.is(await browser.evaluate("document.querySelectorAll('.cards li').length"), 7);
  t.deepEqual(browser.requests.slice(before), [url]);
  t.deepEqual(browser.complaints, []);
});

test.serial('names that contain markup stay text everywhere', async (t) => {
  const evil = { source: hostile, sha256: hostile, sizeBytes: 1 };
  await opened(
    sampleReport([hostile, 'b'], {
      model: evil,
      outputs: [hostile],
      notes: [hostile],
      files: [{ name: hostile, sha256: hostile, sizeBytes: 1 }],
      thumbnails: [{ name: hostile, png: 'data:image/png;base64,iVBORw0KGgo=' }],
    }),
  );
  t.is(await browser.evaluate('window.hurt'), undefined);
  t.is(await browser.evaluate("document.querySelectorAll('img').length"), 1);
  t.is(await browser.evaluate("document.querySelectorAll('script').length"), 1);
  t.true(((await names()) as string[]).includes(hostile));
  t.is(await browser.evaluate("document.querySelector('h1 code').textContent"), hostile);
  t.deepEqual(browser.complaints, []);
});

test.serial('layers are listed worst first, below the suggestion', async (t) => {
  await opened(sampleReport(['a', 'b']));
  const section = "document.getElementById('layers').parentElement";
  t.is(
    await browser.evaluate(
      `[...${section}.querySelectorAll('tbody th')].map((cell) => cell.textContent).join()`,
    ),
    'conv a,conv b',
  );
  t.is(
    await browser.evaluate(`${section}.querySelectorAll('p')[1].textContent`),
    'SQNR of the outputs is 31.3 dB with every layer in int8, and 36.5 dB with a kept in float (⟨keepFloat⟩).',
  );
});

test.serial('columns sort by keyboard in both directions, and expose the direction', async (t) => {
  await opened(sampleReport(['b', 'c', 'a']));
  const heading = "document.querySelector('#tensors thead th')";
  await browser.evaluate(`${heading}.querySelector('button').focus()`);
  await browser.press('Enter');
  t.deepEqual(await names(), ['a', 'b', 'c']);
  t.is(await browser.evaluate(`${heading}.getAttribute('aria-sort')`), 'ascending');
  await browser.press('Enter');
  t.deepEqual(await names(), ['c', 'b', 'a']);
  t.is(await browser.evaluate("document.querySelectorAll('[aria-sort]').length"), 1);
});

test.serial('the filter shows the matching tensors and their number', async (t) => {
  await opened(sampleReport(['conv_1', 'conv_2', 'relu_1']));
  await browser.evaluate(
    "(() => { const f = document.getElementById('filter'); f.value = 'CONV'; f.dispatchEvent(new Event('input')); })()",
  );
  t.deepEqual(((await names()) as string[]).sort(), ['conv_1', 'conv_2']);
  t.is(await browser.evaluate("document.getElementById('shown').textContent"), '2 of 3');
});

test.serial("the page follows the reader's colour scheme", async (t) => {
  const paper = 'getComputedStyle(document.body).backgroundColor';
  await opened(sampleReport(['a']), 'light');
  t.is(await browser.evaluate(paper), 'rgb(255, 255, 255)');
  await opened(sampleReport(['a']), 'dark');
  t.is(await browser.evaluate(paper), 'rgb(20, 23, 27)');
  t.true((await browser.screenshot()).length > 10_000);
});

test.serial('an export without calibration has a page too', async (t) => {
  const { calibration: _, agreement: __, sensitivity: ___, ...rest } = sampleReport(['a']);
  await opened({ ...rest, notes: ['No calibration.'] });
  t.is(await browser.evaluate("document.querySelector('.notes').textContent"), 'No calibration.');
  t.is(await browser.evaluate("document.getElementById('tensors')"), null);
  t.deepEqual(browser.complaints, []);
});

test.serial('axe-core finds no violation in either colour scheme', async (t) => {
  for (const colours of ['dark', 'light'] as const) {
    await opened(sampleReport(['a', 'b']), colours);
    t.deepEqual(await findViolations(browser), [], colours);
  }
});

// Here, to share the browser.
test.serial('the page of all exports can be read and filtered, and loads and runs nothing', (t) =>
  checkExportsPage(t, browser),
);

test.serial('the recording of requests and errors works', async (t) => {
  const path = join(folder, 'bad.html');
  writeFileSync(path, '<script src="missing.js"></script><script>throw new Error("seen")</script>');
  await browser.open(pathToFileURL(path).href, 'light');
  t.true(browser.requests.some((url) => url.endsWith('missing.js')));
  t.true(browser.complaints.some((text) => text.includes('seen')));
});

test.serial('a page of 300 tensors is less than 3 MB', (t) => {
  const page = reportPage(sampleReport(Array.from({ length: 300 }, (_, i) => `block_${i}/Relu:0`)));
  t.true(page.length < 3e6, `${page.length} bytes`);
});
