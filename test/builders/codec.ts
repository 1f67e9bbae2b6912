/** Programs for tests of external codecs: the wrapper for NVIDIA's package, and faulty programs. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type CodecOptions, createExternalCodec } from '../../src/formats/crypto/external/codec.ts';

const wrapper = join(import.meta.dirname, '../../src/formats/crypto/external/nvidia_codec.py');
const standIn = join(import.meta.dirname, '../codec/stand-in');

/** The wrapper with a package that has the interface of NVIDIA's. */
export const standInCommand = ['env', `PYTHONPATH=${standIn}`, 'python3', wrapper] as const;

/** Path of a Python that has NVIDIA's package. The package is proprietary, so no test installs it. */
const nvidiaPython = process.env.TLT_NVIDIA_CODEC_PYTHON;

/** The wrapper with NVIDIA's own package, if it is installed. */
export const nvidiaCommand = nvidiaPython === undefined ? undefined : ([nvidiaPython, wrapper] as const);

/** Writes an executable sh script and returns its path. */
export const aProgram = (...lines: readonly string[]): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'tlt-codec-')), 'codec');
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  return path;
};

/** Creates a codec that collects its warnings. */
export const aCodec = (command: readonly string[], options: Partial<CodecOptions> = {}) => {
  const warnings: string[] = [];
  const codec = createExternalCodec({
    command,
    signal: new AbortController().signal,
    warn: (line) => void warnings.push(line),
    ...options,
  });
  return { ...codec, warnings };
};
