/**
 * What the load generators are measured on: a server that answers at once and costs as little as it
 * can, so that it is the generator that sets the pace. Arguments: port, and with `stall` it answers
 * nothing for one second in every ten, beginning four seconds after the first request.
 */
import { createServer, type Socket } from "node:net"

const [port, mode] = process.argv.slice(2)
const stallFromMs = 4000
const stallMs = 1000
const cycleMs = 10_000

const home = answer("text/plain", "Hello, world")
const login = answer("application/json", '{"token":"abcdef0123456789"}')
const account = answer("application/json", '{"balance":12}')
const denied = answer("application/json", "{}", "401 Unauthorized")
const headEnd = Buffer.from("\r\n\r\n")

let startedAtMs: number | undefined
let held: [Socket, Buffer][] = []

createServer((socket) => {
  let rest: Buffer | undefined
  socket.setNoDelay(true)
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    rest = undefined
    const end = bytes.indexOf(headEnd)
    const head = end === -1 ? undefined : bytes.toString("latin1", 0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head ?? "")?.[1] ?? 0)
    if (head === undefined || bytes.length < end + 4 + length) rest = bytes
    else reply(socket, answerTo(head))
  })
}).listen(Number(port), "127.0.0.1")

function answerTo(head: string): Buffer {
  if (head.startsWith("POST /login ")) return login
  if (!head.startsWith("GET /account ")) return home
  return /\r\nauthorization: Bearer abcdef0123456789/i.test(head) ? account : denied
}

function reply(socket: Socket, bytes: Buffer): void {
  if (mode === "stall" && isStalled()) held.push([socket, bytes])
  else socket.write(bytes)
}

function isStalled(): boolean {
  const nowMs = performance.now()
  startedAtMs ??= nowMs
  const intoMs = (nowMs - startedAtMs) % cycleMs
  const isNow = intoMs >= stallFromMs && intoMs < stallFromMs + stallMs
  if (isNow && held.length === 0) setTimeout(release, stallFromMs + stallMs - intoMs)
  return isNow
}

function release(): void {
  const waiting = held
  held = []
  for (const [socket, bytes] of waiting) socket.write(bytes)
}

function answer(type: string, body: string, status = "200 OK"): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
}
