import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** A bare listener on loopback that counts whoever connects: what must not be reached. */
export interface TcpListener extends AsyncDisposable {
  port: number;
  connections: number;
}

/** Listens on 127.0.0.1 and, where the machine has it, on ::1 with the same port. Answers a little HTTP. */
export async function startTcpListener(): Promise<TcpListener> {
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  const listener: TcpListener = {
    port: 0,
    connections: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) {
        socket.destroy();
      }
      await Promise.all(
        servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
      );
    },
  };

  async function listen(host: string, port: number): Promise<number> {
    const server = createServer((socket) => {
      listener.connections += 1;
      sockets.add(socket);
      socket.on("error", () => {});
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret");
    });
    server.listen(port, host);
    await once(server, "listening");
    servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  listener.port = await listen("127.0.0.1", 0);
  await listen("::1", listener.port).catch(() => null);
  return listener;
}
