/** Programs of other projects that the tests run, built once by Go. */
import { copyFileSync } from 'node:fs';
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
