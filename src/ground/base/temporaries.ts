/**
 * Files and folders that must not outlive the process. Each is removed where it was made; an entry that ends the process in
 * the middle of the work hears of them and removes those that are left.
 */
type Listener = (path: string, exists: boolean) => void;

let listener: Listener = () => undefined;

/** From now on the listener hears of each: before it is made, and once it is gone or has its final name. */
export const onTemporary = (handler: Listener): void => {
  listener = handler;
};

/** To be called before a path is made, and again once it is gone or has its final name. */
export const reportTemporary: Listener = (path, exists) => listener(path, exists);
