/** Ends what a test started although the test itself was killed: SIGKILL runs no exit handler. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Runs a line of shell, with `$1`, once this process has ended, whatever ended it: the shell reads from a pipe that only
 * this process holds open.
 * @returns cancels it
 */
export const afterDeath = (line: string, argument: string): (() => void) => {
  const watcher = spawn('/bin/sh', ['-c', `read -r _; ${line}`, 'sh', argument], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // A signal to the group of this process must not end it first.
  });
  watcher.unref();
  (watcher.stdin as unknown as Socket).unref();
  watcher.stdin.on('error', () => {}); // It was cancelled.
  return () => watcher.kill('SIGKILL');
};

/** The child, which does not outlive this process; with `group`, nor do the processes of its group. */
export const tied = <C extends ChildProcess>(child: C, { group = false } = {}): C => {
  if (child.pid === undefined) return child; // It did not start.
  const cancel = afterDeath('kill -s KILL -- "$1"', `${group ? '-' : ''}${child.pid}`);
  child.once('exit', cancel);
  return child;
};

/** The folder is removed once this process and what it started are gone. */
export const tiedFolder = (folder: string): (() => void) => afterDeath('sleep 1; rm -rf -- "$1"', folder);
