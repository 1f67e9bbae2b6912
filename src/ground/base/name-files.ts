/**
 * Names unnamed files (O_TMPFILE). Node does not expose linkat(2), so a shell calls `ln -L` of GNU coreutils. It is started
 * once and waits for requests: to start a process from one of 250 MiB takes 5 ms and more, because the kernel copies page tables.
 */
import { spawn } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

export type Naming = {
  /** File descriptor of the unnamed file. */
  readonly descriptor: number;
  /** Absolute path, or relative to the working folder. Must not exist. */
  readonly target: string;
};

/**
 * For POSIX sh; its argument is the id of the process that has the files. Each line of input is a request: words
 * `DESCRIPTOR:TARGET`, each followed by a space. The answer to each is 0 or 1. The working folder is that of the process's
 * descriptors: once the process has ended, no name in it leads to a file, even if the id is used again.
 *
 * For each file, a subshell opens it and waits until the files after it have their names. So all are open before the first
 * is named, and all get their names even if the process that wrote them is killed then. If a file cannot be named, the names
 * of those after it are removed.
 */
const script = `
cd "/proc/$1/fd" || exit 1
case $(ln --version) in *coreutils*) echo 0 ;; *) exit 1 ;; esac
decode() {
  target=$(printf '%b.' "\${1#*:}")
  target=\${target%.}
}
name() {
  [ -z "$1" ] && return 0
  (
    exec 3<"\${1%%:*}"
    name "\${1#* }" || exit 1
    decode "\${1%% *}"
    ln -L -T -- /proc/self/fd/3 "$target" && exit 0
    for file in \${1#* }; do
      decode "$file"
      rm -f -- "$target"
    done
    exit 1
  )
}
while read -r files; do
  name "$files "
  echo $?
done`;

/** Sends a request and returns the answer; undefined if the shell ends first. */
type Ask = (request: string) => Promise<string | undefined>;

let shell: Promise<Ask | undefined> | undefined;

/** Whether this system can name unnamed files. Starts the shell. */
export const canNameFiles = async (): Promise<boolean> => {
  shell ??= startShell();
  return (await shell) !== undefined;
};

/**
 * Names all files or none, even if this process is killed meanwhile.
 * @returns false if no file was named: a target exists, or the system cannot name them this way
 */
export const nameTogether = async (files: readonly Naming[]): Promise<boolean> => {
  shell ??= startShell();
  const ask = await shell;
  const words = files.map(({ descriptor, target }) => `${descriptor}:${encode(target)}`);
  return (await ask?.(`${words.join(' ')}\n`)) === '0';
};

/** From the working folder of the shell, `../cwd` is that of this process. Other bytes than these are octal, for printf %b. */
const encode = (target: string): string =>
  [...Buffer.from(target.startsWith('/') ? target : `../cwd/${target}`)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w/.-]/.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
    })
    .join('');

/** Undefined if there is no such shell, no GNU `ln`, or no /proc. */
const startShell = async (): Promise<Ask | undefined> => {
  const id = await readlink('/proc/self').catch(() => undefined);
  if (id === undefined) return undefined;
  const child = spawn('sh', ['-c', script, 'name-files', id], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    detached: true, // Ctrl-C in a terminal signals the whole process group
  });
  const answers = readAnswers(child.stdout as Socket);
  child.unref();
  (child.stdin as Socket).unref();
  child.stdin.on('error', () => undefined); // The shell has ended, which the end of its output reports.
  child.on('error', answers.end);
  if ((await answers.next()) !== '0') return undefined;
  child.on('close', () => {
    shell = undefined; // The next request starts another one.
  });
  return (request) => {
    child.stdin.write(request);
    return answers.next();
  };
};

/** The lines of the shell, in order; undefined after its end. It keeps this process running only while an answer is awaited. */
const readAnswers = (output: Socket) => {
  const waiting: ((answer: string | undefined) => void)[] = [];
  let ended = false;
  const answer = (text: string | undefined): void => {
    waiting.shift()?.(text);
    if (waiting.length === 0) output.unref();
  };
  const end = (): void => {
    ended = true;
    while (waiting.length > 0) answer(undefined);
  };
  // The end of the output, and not only that of the process, which nothing waits for.
  createInterface({ input: output }).on('line', answer).on('close', end);
  return {
    next: (): Promise<string | undefined> => {
      if (ended) return Promise.resolve(undefined);
      output.ref();
      return new Promise((resolve) => waiting.push(resolve));
    },
    end,
  };
};
