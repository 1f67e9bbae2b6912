/**
 * Files and folders that must not outlive the process. The code that creates one removes it; an entry that aborts the process
 * listens here and removes the remaining ones.
 */
type Listener = (path: string, exists: boolean) => void;

let listener: Listener = () => undefined;

/** Sets the listener, which is called before a path is created, and after it is removed or renamed to its final name. */
export const onTemporary = (handler: Listener): void => {
  listener = handler;
};

/** Call before creating a path (`exists`: true), and after removing it or giving it its final name (false). */
export const reportTemporary: Listener = (path, exists) => listener(path, exists);
