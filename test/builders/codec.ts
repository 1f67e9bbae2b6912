/** Programs that an external codec can be: a wrapper of NVIDIA's package, and what can be wrong with a program. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CodecOptions, externalCodec } from '../../src/worker/codec/codec.ts';

const wrapper = join(import.meta.dirname, '../../src/worker/codec/nvidia_codec.py');
const standIn = join(import.meta.dirname, '../worker/stand-in');

/** Our wrapper around a package with the interface of NVIDIA's. */
export const standInCommand = ['env', `PYTHONPATH=${standIn}`, 'python3', wrapper] as const;

/** The same around NVIDIA's own package, in a Python that has it. */
export const nvidiaCommand = (python: string): readonly string[] => [python, wrapper];

/** Names that Python where there is one: the package is proprietary, so no test installs it. */
export const nvidiaPythonVariable = 'TLT_NVIDIA_CODEC_PYTHON';

/** A program in sh. */
export const aProgram = (...lines: readonly string[]): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'tlt-codec-')), 'codec');
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  return path;
};

/** A codec, and what it warned of. */
export const aCodec = (command: readonly string[], options: Partial<CodecOptions> = {}) => {
  const warnings: string[] = [];
  const codec = externalCodec({
    command,
    signal: new AbortController().signal,
    warn: (line) => void warnings.push(line),
    ...options,
  });
  return { ...codec, warnings };
};
