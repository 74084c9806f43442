/**
 * Replicas that do everything wrong, behind the balancer, beside one that is sound: clients of the
 * sound one are answered meanwhile, what was sent to the hostile one comes to an end with its client,
 * and the balancer's memory is bounded, whether or not clients take what it says.
 */
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { eventually } from "../support/cli.ts"
import { loadTarget } from "../support/load-target.ts"
import type { Attack, Trial } from "./attack.ts"
import { Stand } from "./child.ts"
import { type HostilePeer, peers, run } from "./peers.ts"
import type { BalancerState, ToBalancer } from "./stand/balancer.ts"

/** Clients at once; some of them take nothing, and some send a body. */
const clients = 8
const asks = 10
/** Some hundred to begin with; all that is poured is half a gigabyte. */
const residentMiBMax = 450

export const replicas: Attack = {
  name: "replicas",
  what: "replicas that do everything wrong: others are answered, memory is bounded, all ends",
  async run(trial) {
    await using balancer = new Stand("balancer.ts")
    await using sound = await loadTarget((request, response) => {
      request.resume()
      request.once("end", () => response.end("sound"))
    })
    const tell = (what: ToBalancer) => balancer.tell<BalancerState>(what)
    const { answer } = await tell({ add: { name: "sound", origin: sound.url } })
    let most = 0
    for (const [n, peer] of peers.entries()) {
      trial.tried("replicas")
      most = Math.max(most, await attacked(trial, peer, `hostile-${n}`, answer.url, tell))
    }
    trial.note(`the balancer's memory: ${Math.round(most)} MiB at most`)
    if (most > residentMiBMax) trial.found(`more memory than ${residentMiBMax} MiB`)
  },
}

/** @returns the most memory that the balancer has had, in MiB. */
async function attacked(
  trial: Trial,
  peer: HostilePeer,
  name: string,
  url: string,
  tell: (what: ToBalancer) => Promise<{ answer: BalancerState; residentMiBMax: number }>,
): Promise<number> {
  await using hostile = await run(peer)
  await tell({ add: { name, origin: hostile.url } })
  const sockets = Array.from({ length: clients }, (_, n) => client(url, n))
  try {
    await eventually(
      () => hostile.connections() > 0 || undefined,
      `a request to one that ${peer.name}`,
    )
    await tell({ unready: name })
    for (let n = 0; n < asks; n++) {
      const text = await (await fetch(url, { headers: { connection: "close" } })).text()
      if (text !== "sound")
        trial.found(`beside one that ${peer.name}, another was answered ${text}`)
    }
    await eventually(() => hostile.isSilent() || undefined, `the end of what it ${peer.name}`)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  await eventually(async () => {
    const { answer } = await tell({})
    return answer.outstanding[name] === 0 || undefined
  }, `an end with its clients of one that ${peer.name}`)
  const { residentMiBMax } = await tell({ drop: name })
  return residentMiBMax
}

function client(url: string, n: number): Socket {
  const socket = connect(Number(new URL(url).port), "127.0.0.1")
  socket.on("error", () => {})
  if (n % 2 === 0) socket.resume()
  void once(socket, "connect").then(
    () => {
      if (n % 4 < 2) socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
      else
        socket.write(
          `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n${"a".repeat(65_536)}`,
        )
    },
    () => {},
  )
  return socket
}
