/** Programs of other projects that the tests run, built once by Go. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { cached, digestOf } from './cache.ts';
import { run } from './run.ts';

const helmVersion = 'v4.3.1';

const strip = ['-trimpath', '-ldflags', '-s -w'] as const;

/** Helm. About 140 s on two cores the first time. `TLT_TEST_HELM` names another binary, for example of Helm 3. */
export const helmBinary = (): Promise<string> => {
  const given = process.env.TLT_TEST_HELM;
  if (given !== undefined) return Promise.resolve(given);
  return cached(`helm-${helmVersion}`, async (path) => {
    const folder = `${path}.gobin`;
    await run('go', ['install', ...strip, `helm.sh/helm/v4/cmd/helm@${helmVersion}`], {
      env: { CGO_ENABLED: '0', GOBIN: folder },
      label: `building Helm ${helmVersion} (first run only, about 2 minutes)`,
    });
    copyFileSync(join(folder, 'helm'), path);
  });
};

const runnerFolder = join(import.meta.dirname, '..', 'gitops', 'runner');

/** Argo CD's Lua interpreter and Flux's kstatus, in one program. */
export const gitopsRunner = (): Promise<string> =>
  cached(`gitops-runner-${digestOf(runnerFolder, ['main.go', 'go.mod', 'go.sum'])}`, (path) =>
    run('go', ['build', ...strip, '-o', path, '.'], {
      cwd: runnerFolder,
      env: { CGO_ENABLED: '0' },
      label: 'building the interpreter of health checks (first run only)',
    }).then(() => {}),
  );

/** CRDs of other projects: Go modules that have them, and the files in each. */
const crdSources = {
  gitops: [
    {
      module: 'github.com/fluxcd/kustomize-controller@v1.9.0',
      files: ['config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml'],
    },
    {
      module: 'github.com/fluxcd/source-controller@v1.9.0',
      files: ['config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml'],
    },
    {
      module: 'github.com/argoproj/argo-cd/v3@v3.4.0',
      files: ['manifests/crds/application-crd.yaml', 'manifests/crds/applicationset-crd.yaml'],
    },
  ],
  monitoring: [
    {
      module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
      files: ['prometheusrules', 'servicemonitors', 'podmonitors'].map(
        (plural) => `example/prometheus-operator-crd/monitoring.coreos.com_${plural}.yaml`,
      ),
    },
  ],
} as const;

/** The folder of a Go module, which Go downloads once. */
const downloadModule = async (module: string, label: string): Promise<string> => {
  const download = await run('go', ['mod', 'download', '-json', module], { label });
  return (JSON.parse(download) as { readonly Dir: string }).Dir;
};

/** A folder with the CRDs of Argo CD and Flux, or with those of the Prometheus operator. */
export const foreignCrds = (of: keyof typeof crdSources): Promise<string> => {
  const sources = crdSources[of];
  return cached(`crds-${of}-${digestOf(runnerFolder, [], JSON.stringify(sources))}`, async (path) => {
    mkdirSync(path);
    for (const { module, files } of sources) {
      const folder = await downloadModule(module, `downloading the CRDs of ${module} (first run only)`);
      for (const file of files) writeFileSync(join(path, basename(file)), readFileSync(join(folder, file)));
    }
  });
};

const gatewayVersion = 'v1.8.0';

/** versitygw, an S3 server on a folder. About a minute on two cores the first time. */
export const s3ServerBinary = (): Promise<string> =>
  cached(`versitygw-${gatewayVersion}`, async (path) => {
    const folder = `${path}.gobin`;
    await run('go', ['install', ...strip, `github.com/versity/versitygw/cmd/versitygw@${gatewayVersion}`], {
      env: { CGO_ENABLED: '0', GOBIN: folder },
      label: `building versitygw ${gatewayVersion} (first run only, about a minute)`,
    });
    copyFileSync(join(folder, 'versitygw'), path);
  });

const kueueVersion = 'v0.17.0';

/** A folder with Kueue's manager (`kueue`), its CRDs and its webhook configurations. About four minutes on two cores. */
export const kueueFolder = (): Promise<string> =>
  cached(`kueue-${kueueVersion}`, async (path) => {
    const module = `sigs.k8s.io/kueue@${kueueVersion}`;
    const folder = await downloadModule(module, `downloading Kueue ${kueueVersion} (first run only)`);
    await run('go', ['install', ...strip, `sigs.k8s.io/kueue/cmd/kueue@${kueueVersion}`], {
      env: { CGO_ENABLED: '0', GOBIN: path },
      label: `building Kueue ${kueueVersion} (first run only, about 4 minutes)`,
    });
    const components = join(folder, 'config', 'components');
    cpSync(join(components, 'crd', 'bases'), join(path, 'crds'), { recursive: true });
    copyFileSync(join(components, 'webhook', 'manifests.yaml'), join(path, 'webhooks.yaml'));
  });
