/**
 * Ports for servers that tests start. The system's own free ports do not serve: until the server listens, and while it is
 * restarted, any connection of another process may take one as its source, and even connect to itself.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';

/** Below those that the system gives to connections (32768 to 60999), and above those of well-known services. */
const range = { first: 12_000, end: 32_000 } as const;

/** A port on loopback that no other caller of any process gets before this process ends. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(range.first, range.end);
    const hold = await listen({ path: `\0tlt-export-operator-port-${port}` });
    if (hold === undefined) continue;
    hold.unref();
    const probe = await listen({ port, host: '127.0.0.1' });
    if (probe === undefined) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
};

/** @returns undefined if the address is in use. A name in the abstract namespace of Linux is free again once its process has ended. */
const listen = (address: net.ListenOptions): Promise<net.Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (thrown: NodeJS.ErrnoException) =>
      thrown.code === 'EADDRINUSE' ? resolve(undefined) : reject(thrown),
    );
    server.listen(address, () => resolve(server));
  });
