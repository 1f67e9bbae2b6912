/** The page of all exports, as a pure function of the caches. */
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { parseAllDocuments, stringify } from 'yaml';
import { parseCommandLine } from '../../src/adapters/cli/command-line.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { pageSize, parseQuery, queryFor } from '../../src/cluster/page/filter.ts';
import { exportsPage } from '../../src/cluster/page/page.ts';
import { operatorProgram } from '../../src/ground/contract/operator-program.ts';
import { run } from '../cluster/run.ts';
import { type PageParts, readPage } from './parts.ts';
import { anExportOf, aReadyExport, severalExports } from './sample.ts';

const root = join(import.meta.dirname, '../..');
const now = Date.parse('2026-01-01T00:00:00Z');

const page = (exports: readonly ModelExport[], query = ''): PageParts =>
  readPage(exportsPage({ exports, countNodes: (name) => name.length, now }, parseQuery(`/exports${query}`)));

test('each export is a row, and each device class a column', (t) => {
  const { columns, rows, counts } = page(severalExports());
  t.deepEqual(columns, ['Export', 'State', 'Model', 'ampere6 ready nodes', 'cpu3 ready nodes', 'Report']);
  t.deepEqual(
    rows.map(([name]) => name),
    [
      'defects radar, classification',
      'detector vision, classification',
      'empty vision, classification',
      'reader vision, classification',
    ],
  );
  t.deepEqual(counts, ['1 Ready', '1 Reconciling', '1 Stalled', '0 Suspended', '0 Requested', '1 Unseen']);
});

test('a cell has the reason, and words for its sign', (t) => {
  const [stalled, active, unseen, ready] = page(severalExports()).rows;
  t.regex(stalled![1]!, /^✖ Stalled engines 1\/2 EnginesFailed: /);
  t.regex(stalled![3]!, /^failed: ✖ EngineBuildFailed int8 .*the builder refused the graph/);
  t.regex(stalled![4]!, /^done: ✔ Built int8$/);
  t.regex(active![1]!, /^● Reconciling engines 1\/2 /);
  t.regex(active![3]!, /^active: ● Building int8 building the engine 43%, 2m left$/);
  t.regex(unseen![1]!, /^◌ Unseen$/);
  t.is(unseen![2], '');
  t.is(ready![1], '✔ Ready engines 2/2');
  t.is(ready![5], 'kubectl modelexport report reader -n vision');
  t.is(unseen![5], '');
});

test('a cell says why the build stored another precision than the one requested', (t) => {
  const because = 'On this processor, int8 takes 18.1 ms and float 3.4 ms.';
  const [row] = page([aReadyExport({ dataType: 'fp32', because })]).rows;
  t.is(row![3], 'done: ✔ Built int8');
  t.is(row![4], `done: ✔ Built fp32 ${because}`);
});

test('the filter is part of the address, and is kept by the links between pages', (t) => {
  const many = Array.from({ length: 120 }, (_, at) =>
    anExportOf({ name: `m${String(at).padStart(3, '0')}` }),
  );
  const exports = [...many, anExportOf({ name: 'other', namespace: 'radar' })];
  const first = page(exports, '?name=m&namespace=vis');
  t.is(first.rows.length, pageSize);
  t.is(first.caption, '120 exports, sorted by namespace and name, page 1 of 3');
  t.deepEqual(first.links, ['?namespace=vis&name=m&page=2']);
  const last = page(exports, '?name=m&namespace=vis&page=99');
  t.deepEqual(last.links, ['?namespace=vis&name=m&page=2']);
  t.is(last.rows.length, 20);
  t.deepEqual(page(exports, '?name=m0&page=2').links, ['?name=m0']);
  t.is(page(exports, '?namespace=radar').caption, '1 export, sorted by namespace and name');
  t.deepEqual(page(exports, '?state=Ready').rows, []);
  t.is(page(exports, '?state=Unseen').rows.length, pageSize);
});

test('a query that is not valid counts as absent', (t) => {
  t.deepEqual(parseQuery('/exports'), { namespace: '', name: '', state: '', page: 1 });
  t.deepEqual(parseQuery('/exports?state=<b>&page=-1&name=%00'), {
    namespace: '',
    name: '\0',
    state: '',
    page: 1,
  });
  t.is(parseQuery(`/exports?name=${'a'.repeat(1000)}`).name.length, 253);
  t.is(queryFor(parseQuery('/exports?name=a%26b'), 2), '?name=a%26b&page=2');
});

const hostile = `</td><script>alert(1)</script><img src=x onerror=alert(2)>&"'`;

test('names, messages and queries of others stay text', (t) => {
  const source = {
    exports: [anExportOf({ name: hostile, namespace: hostile, message: hostile })],
    countNodes: () => 0,
    now,
  };
  const text = exportsPage(source, parseQuery('/exports'));
  t.false(/<script|<img/.test(text));
  t.is(readPage(text).rows[0]![0], `${hostile} ${hostile}, classification`);
  const filtered = exportsPage(source, parseQuery(`/exports?name=${encodeURIComponent('"><script>')}`));
  t.false(filtered.includes('<script'));
  t.true(filtered.includes('value="&quot;&gt;&lt;script&gt;"'));
});

test('the size is bounded with thousands of exports, classes and long messages', (t) => {
  const message = 'x'.repeat(32_768);
  const exports = Array.from({ length: 5000 }, (_, at) => {
    const deviceClasses = Array.from({ length: 64 }, (_class, n) => `class-${at % 7}-${n}`);
    return anExportOf({ name: `m${at}`, message, deviceClasses });
  });
  const started = process.cpuUsage();
  const text = exportsPage({ exports, countNodes: () => 1, now }, parseQuery('/exports'));
  const { user } = process.cpuUsage(started);
  t.true(text.length < 1_000_000, `${text.length} characters`);
  t.true(user < 2_000_000, `${user} µs of processor time`);
  const { columns, rows } = readPage(text);
  t.is(columns.length, 3 + 16 + 2);
  t.regex(rows[0]!.at(-2)!, /^0 of \d+ built$/);
});

test('the patch of docs/page.md turns the page on', async (t) => {
  const text = readFileSync(join(root, 'docs/page.md'), 'utf8');
  const [, patch = ''] = /```yaml\n([\s\S]*?)```/.exec(text)!;
  const folder = mkdtempSync(join(tmpdir(), 'tlt-overlay-'));
  const resources = [relative(realpathSync(folder), join(root, 'deploy/cluster'))];
  writeFileSync(join(folder, 'kustomization.yaml'), `${patch}${stringify({ resources })}`);
  const rendered = parseAllDocuments(await run('kubectl', ['kustomize', folder])).map((each) => each.toJS());
  const deployment = rendered.find(({ kind }) => kind === 'Deployment');
  const { args } = deployment.spec.template.spec.containers[0];
  t.is(args.at(-1), '--page');
  const line = parseCommandLine(operatorProgram, args.slice(args.indexOf('/app/dist/operator.js') + 1));
  t.true(line.help === undefined && line.values.page);
});
