/**
 * Creates as many objects with as large annotations as an apiserver accepts. Then the whole operator
 * starts with the memory of its Deployment, and must become ready. `npm run bench:flood [objects]`.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { aSpec } from '../builders/objects.ts';
import { startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';
import { freePort } from '../cluster/free-port.ts';
import { eventually } from '../cluster/run.ts';

const objects = Number(process.argv[2] ?? 1500);
const annotationBytes = 240_000;
const root = join(import.meta.dirname, '..', '..');

const plane = await startControlPlane();
try {
  await installCrds(plane);
  const note = 'x'.repeat(annotationBytes);
  const made = async (index: number): Promise<void> => {
    const metadata = { name: `flood-${index}`, annotations: { note } };
    const body = {
      apiVersion: 'export.tlt.dev/v1beta1',
      kind: 'ModelExport',
      metadata,
      spec: aSpec({ suspend: true }),
    };
    await plane.ask('/apis/export.tlt.dev/v1beta1/namespaces/default/modelexports', { method: 'POST', body });
  };
  for (let index = 0; index < objects; index += 8)
    await Promise.all(Array.from({ length: Math.min(8, objects - index) }, (_, next) => made(index + next)));
  const port = await freePort();
  const flags = [`--probe-bind=127.0.0.1:${port}`, '--metrics-bind=127.0.0.1:0'];
  const started = performance.now();
  const operator = spawn(process.execPath, [join(root, 'src', 'operator.ts'), ...flags], {
    env: { ...process.env, KUBECONFIG: plane.kubeconfig, NODE_OPTIONS: '--max-semi-space-size=1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<never>((_, reject) =>
    operator.once('exit', (code, signal) => reject(new Error(`the operator ended: ${code ?? signal}`))),
  );
  ended.catch(() => undefined); // Awaited below in a race; a later rejection is expected.
  const ready = eventually(
    'readiness',
    async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok || undefined,
  );
  await Promise.race([ready, ended]);
  const seconds = (performance.now() - started) / 1000;
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${operator.pid}/status`, 'utf8'))![1];
  console.log(
    `${objects} ModelExports with ${annotationBytes} bytes of annotations each: ready after ${seconds.toFixed(1)} s, ` +
      `peak ${Math.round(Number(peak) / 1024)} MiB of the 512 MiB of its Deployment`,
  );
  operator.kill('SIGKILL');
} finally {
  await plane.stop();
}
