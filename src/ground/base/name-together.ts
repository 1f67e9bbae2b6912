/**
 * Names several unnamed files in a process of its own. It holds the files, so once it runs it gives all of them their names,
 * or none, even if the process that wrote them is killed meanwhile.
 */
import { spawn } from 'node:child_process';

export type Naming = {
  /** File descriptor of the unnamed file. */
  readonly descriptor: number;
  /** Absolute path, or relative to the working folder. Must not exist. */
  readonly target: string;
};

/**
 * For POSIX sh; the targets are its arguments, and their files its descriptors from 3 on. After a failure, the names
 * given so far are removed.
 */
const script = `
fd=3
for target do
  ln -L -T -- "/proc/self/fd/$fd" "$target" || break
  fd=$((fd + 1))
done
[ $((fd - 3)) -eq $# ] && exit 0
for target do
  [ "$fd" -eq 3 ] && exit 1
  rm -f -- "$target"
  fd=$((fd - 1))
done
exit 1`;

/** @returns false if no file was named: a target exists, or the system cannot name them this way */
export const nameTogether = (files: readonly Naming[]): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn('sh', ['-c', script, 'name-together', ...files.map(({ target }) => target)], {
      stdio: ['ignore', 'ignore', 'ignore', ...files.map(({ descriptor }) => descriptor)],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
      detached: true, // Ctrl-C in a terminal signals the whole process group
    });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
