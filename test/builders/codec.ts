/** Programs that an external codec can be: a wrapper of NVIDIA's package, and what can be wrong with a program. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type CodecOptions, externalCodec } from '../../src/formats/crypto/external/codec.ts';

const wrapper = join(import.meta.dirname, '../../src/formats/crypto/external/nvidia_codec.py');
const standIn = join(import.meta.dirname, '../codec/stand-in');

/** Our wrapper around a package with the interface of NVIDIA's. */
export const standInCommand = ['env', `PYTHONPATH=${standIn}`, 'python3', wrapper] as const;

/** Names a Python that has NVIDIA's package: it is proprietary, so no test installs it. */
const nvidiaPython = process.env.TLT_NVIDIA_CODEC_PYTHON;

/** The same around NVIDIA's own package, where there is one. */
export const nvidiaCommand = nvidiaPython === undefined ? undefined : ([nvidiaPython, wrapper] as const);

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
