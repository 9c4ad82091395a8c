// Free TCP ports on loopback.

import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

/** As many different ports as asked for. They were free a moment ago: the kernel does not give one out again soon. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
        }),
    ),
  );
  return ports;
}

/** Sends `request` to a port on loopback; what came back until `enough` or the end, or undefined if nobody listens. */
export function ask(port: number, request: string, enough: RegExp): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const connection = connect(port, "127.0.0.1", () => connection.write(request));
    connection.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (enough.test(text)) connection.destroy();
    });
    connection.on("error", () => {});
    connection.on("close", () => resolve(text === "" ? undefined : text));
  });
}
