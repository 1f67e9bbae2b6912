/**
 * Entry, not shipped: generates TypeScript from the .proto files of `sources`, into `generated` beside each. Run it after
 * replacing one, with `protoc` on PATH (Debian protobuf-compiler; or pass `--protoc "python3 -m grpc_tools.protoc"`). The plugin
 * writes TypeScript enums, which Node's type stripping does not support; this script replaces them by constant tables.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** `export enum X { A = 0 }` as `export const X = { A: 0 } as const` and a type of its values. */
const eraseEnums = (source: string): string =>
  source.replace(
    /export enum (\w+) \{\n(.*?)\n\}/gs,
    (_all, name: string, body: string) =>
      `export const ${name} = {\n${body.replace(/^( +\w+) = (-?\d+),$/gm, '$1: $2,')}\n} as const;\n` +
      `export type ${name} = (typeof ${name})[keyof typeof ${name}];`,
  );

const { values } = parseArgs({ options: { protoc: { type: 'string', default: 'protoc' } } });
const [command = 'protoc', ...words] = values.protoc.split(' ');
const scratch = mkdtempSync(join(tmpdir(), 'protobuf-'));

/** Folder in src/formats, and name of the .proto file in it. */
const sources = [
  ['onnx', 'onnx'],
  ['tfrecord', 'example'],
] as const;

try {
  for (const [room, name] of sources) {
    const folder = join(import.meta.dirname, 'formats', room);
    const flags = ['-I', folder, '--es_out', scratch, '--es_opt', 'target=ts,import_extension=ts'];
    execFileSync(command, [...words, ...flags, `${name}.proto`], { stdio: 'inherit' });
    const written = readFileSync(join(scratch, `${name}_pb.ts`), 'utf8');
    mkdirSync(join(folder, 'generated'), { recursive: true });
    writeFileSync(join(folder, 'generated', `${name}_pb.ts`), eraseEnums(written));
  }
} finally {
  rmSync(scratch, { recursive: true });
}
