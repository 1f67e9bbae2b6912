/**
 * `npm run screenshots:dashboard`: docs/images/dashboard.png. Chromium draws the dashboard's JSON with Grafana's own component
 * library (`@grafana/ui`, `@grafana/data`), from the answers of a real Prometheus that scraped a running operator for three
 * minutes. Grafana itself is not run: `draw.cjs` does what its dashboard page does, as far as this dashboard uses it.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { parseAllDocuments } from 'yaml';
import type { ExportDeviceClass } from '../../../src/cluster/api/export-device-class.ts';
import { dashboard } from '../../../src/cluster/manifests/monitoring/dashboard.ts';
import { startBrowser } from '../../browser/browser.ts';
import { aClientOf } from '../../builders/client.ts';
import { aSpec } from '../../builders/objects.ts';
import { cached, digestOf } from '../../cluster/cache.ts';
import { startControlPlane } from '../../cluster/control-plane.ts';
import { installCrds } from '../../cluster/crds.ts';
import { freePort } from '../../cluster/free-port.ts';
import { background, run } from '../../cluster/run.ts';
import { follow } from '../../modelexport/followed.ts';
import { addNodes } from '../../pages/cluster.ts';
import { type Prometheus, startPrometheus } from '../prometheus.ts';

const root = join(import.meta.dirname, '../../..');

/** Installed in the cache of the tests alone: nothing of this project depends on them. */
const packages = [
  '@grafana/ui@13.2.2',
  '@grafana/data@13.2.3',
  'react@18.3.1',
  'react-dom@18.3.1',
  'react-router-dom@5.3.4',
  'rxjs@7.8.2',
  'esbuild@0.28.2',
];

/** The drawing program as one script. The installation takes 460 MB, and is made once. */
const bundle = async (): Promise<string> => {
  const folder = await cached(`grafana-ui-${digestOf(root, [], packages.join())}`, async (path) => {
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), '{ "private": true }');
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
    await run('npm', ['install', ...flags, ...packages], {
      cwd: path,
      label: 'installing @grafana/ui (first run only)',
    });
  });
  const work = mkdtempSync(join(tmpdir(), 'tlt-dashboard-'));
  const output = join(work, 'draw.js');
  copyFileSync(join(import.meta.dirname, 'draw.cjs'), join(folder, 'draw.cjs'));
  const loaders = ['svg', 'woff2', 'ttf'].map((ending) => `--loader:.${ending}=dataurl`);
  const flags = [
    '--bundle',
    '--format=iife',
    '--define:process.env.NODE_ENV="production"',
    '--log-level=error',
  ];
  await run(
    join(folder, 'node_modules/.bin/esbuild'),
    ['draw.cjs', ...flags, ...loaders, `--outfile=${output}`],
    {
      cwd: folder,
    },
  );
  const style = 'html, body { height: auto !important; overflow: visible !important; margin: 0 }';
  const head = `<meta charset="utf-8"><link rel="stylesheet" href="draw.css"><style>${style}</style>`;
  const page = `<!doctype html>${head}<body><div id="root"></div><script src="draw.js"></script>`;
  writeFileSync(join(work, 'index.html'), page);
  return pathToFileURL(join(work, 'index.html')).href;
};

type Labels = Readonly<Record<string, string>>;

/** One key is wrong, and the engines of one export are refused by the builder. */
const failureOf = (labels: Labels) => {
  const name = labels['export.tlt.dev/model-export'];
  if (name === 'license-plates') return 'WrongKey';
  return name === 'heavy-vehicles' && labels['export.tlt.dev/device-class'] === 'ampere'
    ? 'EngineBuildFailed'
    : undefined;
};

const names = [
  'pedestrians',
  'traffic-lights',
  'license-plates',
  'cyclists',
  'heavy-vehicles',
  'lanes',
  'signs',
  'cones',
];
const hopper = { hardware: { computeCapability: '9.0' }, engine: { backend: 'OnnxRuntime' } };

/** Pods run for some seconds, and those of one export find their work done. */
const runOf = (labels: Labels) => {
  const { 'export.tlt.dev/device-class': deviceClass = '', 'export.tlt.dev/model-export': name = '' } =
    labels;
  const reused = name === 'signs';
  const seconds = { ampere: 6, blackwell: 3, cpu: 2 }[deviceClass] ?? 8;
  return { reused, ms: reused ? 1000 : seconds * 1000 + name.length * 150 };
};

/** The classes of the sample, whose builds take a GPU here: what they cost is then to be seen. */
const classes = (): readonly object[] =>
  parseAllDocuments(readFileSync(join(root, 'deploy/samples/device-classes.yaml'), 'utf8')).map(
    (document) => {
      const object = document.toJS() as ExportDeviceClass;
      const resources = object.metadata.name === 'cpu' ? {} : { resources: { 'nvidia.com/gpu': 1 } };
      return { ...object, spec: { ...object.spec, ...resources } };
    },
  );

/** What a device plugin would advertise. */
const addGpu = (node: string): Promise<string> => {
  const gpus = { 'nvidia.com/gpu': '1' };
  const status = JSON.stringify({ status: { capacity: gpus, allocatable: gpus } });
  return plane.kubectl(['patch', 'node', node, '--subresource=status', '--type=merge', '-p', status]);
};

/** Applies one export after another, for as long as Prometheus is to scrape. */
const applyExports = async (apply: (object: object) => Promise<string>): Promise<void> => {
  const api = { apiVersion: 'export.tlt.dev/v1beta1' };
  for (const each of classes()) await apply(each);
  await apply({ ...api, kind: 'ExportDeviceClass', metadata: { name: 'hopper' }, spec: hopper });
  for (const [index, name] of names.entries()) {
    const also = index === 5 ? 'hopper' : index % 2 === 0 ? 'blackwell' : undefined;
    const deviceClasses = ['ampere', 'cpu', ...(also ? [also] : [])].map((each) => ({ name: each }));
    const output = { uri: `pvc://exports/${name}` };
    await apply({
      ...api,
      kind: 'ModelExport',
      metadata: { name, namespace: 'default' },
      spec: { ...aSpec(), output, deviceClasses },
    });
    await sleep(20_000);
  }
};

/** The answers to the queries of each panel: instant ones, or series since `from`. */
const askAll = async (prometheus: Prometheus, from: number, to: number) => {
  const answers: Record<number, unknown> = {};
  for (const panel of dashboard().panels) {
    const targets = 'targets' in panel ? panel.targets : [];
    answers[panel.id] = await Promise.all(
      targets.map(({ expr, instant }: { expr: string; instant?: boolean }) => {
        const expression = expr.replaceAll('$__rate_interval', '1m');
        return instant ? prometheus.query(expression) : prometheus.queryRange(expression, from, to);
      }),
    );
  }
  return answers;
};

const url = await bundle();
const plane = await startControlPlane({ controllerManager: true });
const stop = new AbortController();
const from = Date.now() / 1000;
await installCrds(plane);
await addNodes(plane.ask);
for (const name of ['ampere-1', 'blackwell-1']) await addGpu(name);
follow(aClientOf(plane.kubeconfig), stop.signal, failureOf, runOf);
const port = await freePort();
const log = join(plane.folder, 'operator.log');
const flags = ['--metrics-bind', `127.0.0.1:${port}`, '--probe-bind', '127.0.0.1:0'];
const operator = background(process.execPath, [join(root, 'src/operator.ts'), ...flags], {
  log,
  env: { KUBECONFIG: plane.kubeconfig },
});
const prometheus = await startPrometheus({ address: `127.0.0.1:${port}`, port: await freePort() });
const browser = await startBrowser();
try {
  await applyExports((object) => plane.kubectl(['apply', '-f', '-'], JSON.stringify(object)));
  const to = Date.now() / 1000;
  const answers = await askAll(prometheus, from, to);
  await browser.open(url, 'light');
  const range = { from: from * 1000, to: to * 1000 };
  const given = [dashboard(), answers, range].map((each) => JSON.stringify(each)).join(', ');
  const height = Number(await browser.evaluate(`draw(${given})`));
  await sleep(2000); // Charts are drawn in later frames.
  const path = join(root, 'docs/images/dashboard.png');
  await sharp(await browser.screenshot(height))
    .png({ palette: true, colours: 64, effort: 10 })
    .toFile(path);
  console.log(`${path}: ${statSync(path).size} bytes`);
} finally {
  await browser.close();
  await prometheus.stop();
  await operator.stop();
  stop.abort(new Error('the picture is drawn'));
  await plane.stop();
}
