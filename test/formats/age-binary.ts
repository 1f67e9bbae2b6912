/** Runs the real `age` tool, from PATH or built once from its Go module. It reads passphrases only from a terminal. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { cached } from '../cluster/cache.ts';

const ageVersion = 'v1.2.1';

export const ageBinary = async (): Promise<string> => {
  if (spawnSync('age', ['--version']).status === 0) return 'age';
  const folder = await cached(`age-${ageVersion}`, async (path) => {
    mkdirSync(path, { recursive: true });
    const env = { ...process.env, GOBIN: path };
    execFileSync('go', ['install', `filippo.io/age/cmd/age@${ageVersion}`], { env, stdio: 'inherit' });
  });
  return join(folder, 'age');
};

/** Runs `age` on a pseudo-terminal and types the passphrase at each prompt. */
export const runAge = async (args: readonly string[], passphrase: string): Promise<Typed> =>
  typeAtPrompts([await ageBinary(), ...args], passphrase);

export type Typed = { readonly status: number; readonly output: string };

/** Runs a command on a pseudo-terminal and types the same answer at each prompt. */
export const typeAtPrompts = (command: readonly string[], answer: string, cwd?: string): Typed => {
  const run = spawnSync('python3', ['-c', typist, answer, ...command], { encoding: 'utf8', cwd });
  return { status: run.status ?? -1, output: run.stdout + run.stderr };
};

const typist = `
import os, pty, sys
passphrase, command = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
asked = b''
while True:
    try:
        read = os.read(terminal, 1024)
    except OSError:
        break
    if not read:
        break
    sys.stdout.write(read.decode(errors='replace'))
    asked += read
    if asked.rstrip().endswith(b':'):
        os.write(terminal, passphrase.encode() + b'\\n')
        asked = b''
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`;
