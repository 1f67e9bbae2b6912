/** Programs of other projects that the tests run, built once by Go. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** Go modules with the CRDs of GitOps tools, and the folder in each that has them. */
const crdModules = {
  'github.com/fluxcd/kustomize-controller@v1.9.0': 'config/crd/bases',
  'github.com/fluxcd/source-controller@v1.9.0': 'config/crd/bases',
  'github.com/argoproj/argo-cd/v3@v3.4.0': 'manifests/crds',
} as const;

/** A folder with the CRDs of Argo CD and Flux. */
export const gitopsCrds = (): Promise<string> =>
  cached(`gitops-crds-${digestOf(runnerFolder, [], JSON.stringify(crdModules))}`, async (path) => {
    mkdirSync(path);
    for (const [module, folder] of Object.entries(crdModules)) {
      const label = `downloading the CRDs of ${module} (first run only)`;
      const { Dir } = JSON.parse(await run('go', ['mod', 'download', '-json', module], { label })) as {
        Dir: string;
      };
      for (const name of readdirSync(join(Dir, folder)))
        if (name.includes('_') || name.endsWith('-crd.yaml'))
          writeFileSync(join(path, name), readFileSync(join(Dir, folder, name)));
    }
  });
