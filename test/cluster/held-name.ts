/** Names that one process of this machine holds at a time: addresses in the abstract namespace of Linux, free again once it has ended. */
import net from 'node:net';

/** @returns undefined if the address is in use */
export const listen = (address: net.ListenOptions): Promise<net.Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (thrown: NodeJS.ErrnoException) =>
      thrown.code === 'EADDRINUSE' ? resolve(undefined) : reject(thrown),
    );
    server.listen(address, () => resolve(server));
  });

/** Takes the name until the result is called or this process ends. @returns undefined if it is held */
export const takeName = async (name: string): Promise<(() => void) | undefined> => {
  const server = await listen({ path: `\0tlt-export-operator-${name}` });
  server?.unref();
  return server && (() => void server.close());
};

/** Whether this process holds the name from now until it ends. */
export const holdName = async (name: string): Promise<boolean> => (await takeName(name)) !== undefined;
