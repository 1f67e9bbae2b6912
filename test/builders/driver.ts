/** Runs the TensorRT build driver on a request, as an engine pod does. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { driverFile } from '../../src/graph/builders/run-driver.ts';
import type { BuildReport, BuildRequest } from '../../src/ground/contract/task.ts';

export type DriverRun = {
  readonly python: string;
  readonly request: BuildRequest;
  /** Bytes of the model. */
  readonly model: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Called when the driver has written its first line. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
};

export type Driven = {
  readonly code: number;
  /** The JSON objects of standard output. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly stderr: string;
  readonly termination: string;
  readonly work: string;
};

export const drive = async ({ python, request, model, env, onStart }: DriverRun): Promise<Driven> => {
  const work = mkdtempSync(join(tmpdir(), 'tlt-driver-'));
  const at = (name: string) => join(work, name);
  const paths = { model: at('model.onnx'), engine: at('model.engine'), report: at('build-report.json') };
  writeFileSync(paths.model, model);
  writeFileSync(at('build-request.json'), JSON.stringify({ ...request, ...paths }));
  const termination = at('termination-log');
  writeFileSync(termination, '');
  const child = spawn(python, ['-B', driverFile, at('build-request.json')], {
    env: { ...process.env, TERMINATION_MESSAGE_PATH: termination, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (part) => {
    if (stdout === '') onStart?.((signal) => child.kill(signal));
    stdout += part;
  });
  child.stderr.on('data', (part) => {
    stderr += part;
  });
  const code = await new Promise<number>((resolve) => child.on('close', (exit) => resolve(exit ?? -1)));
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, lines, stderr, termination: readFileSync(termination, 'utf8'), work };
};

/** The report of a driver that built an engine. */
export const reportOf = ({ work }: Driven): BuildReport =>
  JSON.parse(readFileSync(join(work, 'build-report.json'), 'utf8')) as BuildReport;
