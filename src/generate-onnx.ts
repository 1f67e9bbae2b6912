/**
 * Entry, not shipped: generates src/formats/onnx/generated/onnx_pb.ts from src/formats/onnx/onnx.proto. Run it after replacing
 * that file, with `protoc` on PATH (Debian protobuf-compiler; or pass `--protoc "python3 -m grpc_tools.protoc"`). The plugin
 * writes TypeScript enums, which Node's type stripping does not support; this script replaces them by constant tables.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
const folder = join(import.meta.dirname, 'formats', 'onnx');
const scratch = mkdtempSync(join(tmpdir(), 'onnx-'));
try {
  const flags = ['-I', folder, '--es_out', scratch, '--es_opt', 'target=ts,import_extension=ts'];
  execFileSync(command, [...words, ...flags, 'onnx.proto'], { stdio: 'inherit' });
  const written = readFileSync(join(scratch, 'onnx_pb.ts'), 'utf8');
  writeFileSync(join(folder, 'generated', 'onnx_pb.ts'), eraseEnums(written));
} finally {
  rmSync(scratch, { recursive: true });
}
