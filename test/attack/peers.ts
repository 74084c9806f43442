/** Servers that do everything wrong: replicas of a balancer, and targets of a load. */
import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"

export interface HostilePeer {
  readonly name: string
  /** Called with each connection, before anything has come on it. */
  readonly connected: (socket: Socket) => void
}

export interface RunningPeer extends AsyncDisposable {
  readonly url: string
  readonly connections: () => number
  /** Nothing is left to say, or nobody takes it. */
  readonly isSilent: () => boolean
}

/** As much is said on each connection that is never to end. */
const pouredBytesMax = 8 * 2 ** 20

export async function run({ connected }: HostilePeer): Promise<RunningPeer> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    count += 1
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    connected(socket)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => count,
    isSilent: () =>
      [...sockets].every((socket) => !pouring.has(socket) || socket.writableNeedDrain),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close")
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const pouring = new WeakSet<Socket>()

/** Says a beginning, and then the same again and again, as fast as it is taken. */
function pour(socket: Socket, begin: string, piece: string): void {
  socket.write(begin, "latin1")
  const much = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)), "latin1")
  let left = pouredBytesMax
  pouring.add(socket)
  const on = (): void => {
    while (left > 0 && !socket.destroyed && socket.writable) {
      left -= much.length
      if (!socket.write(much)) {
        socket.once("drain", () => setImmediate(on))
        return
      }
    }
    pouring.delete(socket)
  }
  on()
}

const ok = "HTTP/1.1 200 OK\r\n"
const chunks = `${ok}Transfer-Encoding: chunked\r\n\r\n`

/** Does it when something of a request has come, once. */
const asked =
  (act: (socket: Socket) => void) =>
  (socket: Socket): void =>
    void socket.once("data", () => {
      socket.resume()
      act(socket)
    })

const says = (name: string, text: string): HostilePeer => {
  return { name: `says ${name}`, connected: asked((socket) => void socket.write(text, "latin1")) }
}
const pours = (name: string, begin: string, piece: string): HostilePeer => {
  return { name: `pours ${name}`, connected: asked((socket) => pour(socket, begin, piece)) }
}

/** How far an answer comes before the connection is broken. */
const phases: readonly (readonly [name: string, text: string])[] = [
  ["a request has come", ""],
  ["half a status line", "HTTP/1.1 2"],
  ["half a head", `${ok}Content-Le`],
  ["an interim answer", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
  ["a head", `${ok}Content-Length: 9\r\n\r\n`],
  ["half a body", `${ok}Content-Length: 9\r\n\r\nhalf`],
  ["half a chunk", `${chunks}9\r\nhalf`],
  ["a chunk", `${chunks}4\r\nhalf\r\n`],
  ["half the trailers", `${chunks}4\r\nhalf\r\n0\r\nX-Sum`],
  ["a whole answer", `${ok}Content-Length: 2\r\n\r\nok`],
]

export const peers: readonly HostilePeer[] = [
  { name: "never reads", connected: (socket) => void socket.pause() },
  { name: "reads and says nothing", connected: (socket) => void socket.resume() },
  { name: "resets at once", connected: (socket) => void socket.resetAndDestroy() },
  { name: "hangs up at once", connected: (socket) => void socket.end() },
  {
    name: "answers before it is asked",
    connected: (socket) => void socket.write(`${ok}Content-Length: 5\r\n\r\nearly`),
  },
  ...phases.flatMap(([when, text]): readonly HostilePeer[] => [
    {
      name: `resets behind ${when}`,
      connected: asked((socket) => socket.write(text, () => socket.resetAndDestroy())),
    },
    { name: `hangs up behind ${when}`, connected: asked((socket) => void socket.end(text)) },
    says(`no more than ${when}`, text),
  ]),
  says("two answers", `${ok}Content-Length: 2\r\n\r\nok`.repeat(2)),
  says("more than it announced", `${ok}Content-Length: 2\r\n\r\nokay`),
  says("nonsense", "220 mail.example.com ESMTP\r\n"),
  says("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  says("TLS", "\x15\x03\x01\x00\x02\x02\x46"),
  says("nuls", "\0".repeat(1000)),
  says("line feeds alone", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
  says("another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nok"),
  says("two lengths", `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\nok`),
  says("both framings", `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  says("a length below nothing", `${ok}Content-Length: -1\r\n\r\nok`),
  says("a length beyond numbers", `${ok}Content-Length: ${"9".repeat(30)}\r\n\r\nok`),
  says("a chunk beyond numbers", `${chunks}${"f".repeat(16)}\r\nok`),
  says("a chunk of a gigabyte", `${chunks}40000000\r\nok`),
  says("other codings", `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
  says("a body to HEAD and 204", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"),
  pours("a status line", "HTTP/1.1 200 ", "O"),
  pours("a header", `${ok}X: `, "y"),
  pours("headers", ok, "X: y\r\n"),
  pours("cookies", ok, "Set-Cookie: a=b\r\n"),
  pours("100s", "", "HTTP/1.1 100 Continue\r\n\r\n"),
  pours("103s", "", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"),
  pours("102s", "", "HTTP/1.1 102 Processing\r\n\r\n"),
  pours("a body without a length", `${ok}\r\n`, "body"),
  pours("a body of a gigabyte", `${ok}Content-Length: 1073741824\r\n\r\n`, "body"),
  pours("chunks of a byte", chunks, "1\r\na\r\n"),
  pours("a chunk's size", chunks, "0"),
  pours("a note of a chunk", `${chunks}1;a=`, "a"),
  pours("trailers", `${chunks}0\r\n`, "X: y\r\n"),
  pours("a trailer", `${chunks}0\r\nX: `, "y"),
  pours("answers", "", `${ok}Content-Length: 2\r\n\r\nok`),
]
