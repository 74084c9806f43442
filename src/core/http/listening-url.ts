/** Where a server that listens can be reached from this machine. */
import type { AddressInfo, Server } from "node:net"

/** For example `http://127.0.0.1:8080`, which is how one that listens everywhere is reached here. */
export function listeningUrl(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  const isAnywhere = address === "0.0.0.0" || address === "::"
  const name = isAnywhere ? "127.0.0.1" : family === "IPv6" ? `[${address}]` : address
  return `http://${name}:${port}`
}
