/** Parses what we write by the definitions of its readers: Triton's protobuf, and in-toto's. */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';
import { peerPython } from '../peers/venv.ts';

const packages = ['tritonclient==2.73.0', 'in-toto-attestation==0.9.3'];

/** The folder of the packages; downloaded once. */
const definitions = (): Promise<string> =>
  cached(`deployment-definitions-${packages.join('-')}`, async (path) => {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', path];
    await run(await peerPython(), [...pip, ...packages], {
      label: 'downloading the definitions of Triton and in-toto (first run only)',
    });
  });

let files = 0;

const parse = async (kind: 'triton' | 'statement', text: string): Promise<unknown> => {
  const path = join(tmpdir(), `tlt-deployment-${process.pid}-${files++}`);
  writeFileSync(path, text);
  const script = join(import.meta.dirname, 'parse_deployment.py');
  const env = { PYTHONPATH: await definitions() };
  return JSON.parse(await run(await peerPython(), ['-B', script, kind, path], { env }));
};

/** A port in a Triton configuration. */
export type TritonPort = {
  readonly name: string;
  readonly data_type: string;
  readonly dims: readonly string[];
  readonly label_filename?: string;
};

/** What Triton reads; fields with default values are absent. */
export type TritonConfig = {
  readonly platform: string;
  readonly max_batch_size?: number;
  readonly input: readonly TritonPort[];
  readonly output: readonly TritonPort[];
  readonly default_model_filename?: string;
  readonly cc_model_filenames?: Readonly<Record<string, string>>;
  readonly instance_group: readonly object[];
  readonly dynamic_batching?: object;
};

/** Parses a `config.pbtxt`. */
export const parseTriton = async (text: string): Promise<TritonConfig> =>
  (await parse('triton', text)) as TritonConfig;

/** Parses and validates an in-toto statement with SLSA's predicate. */
export const parseStatement = (text: string): Promise<unknown> => parse('statement', text);
