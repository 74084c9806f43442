/** Who gets a server's connections when there are not enough for all, on sockets that are none. */
import assert from "node:assert/strict"
import { EventEmitter } from "node:events"
import type { Socket } from "node:net"
import { test } from "node:test"
import { Peers } from "../../src/core/http/peers.ts"

class Visitor extends EventEmitter {
  readonly remoteAddress: string
  destroyed = false

  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }

  destroy(): void {
    this.destroyed = true
    this.emit("close")
  }

  get socket(): Socket {
    return this as unknown as Socket
  }
}

function room(connectionsMax: number) {
  let full = 0
  const peers = new Peers(connectionsMax, () => {
    full += 1
  })
  return {
    peers,
    full: () => full,
    /** Connections from that address, one after the other. */
    come(address: string, count: number, how: "idle" | "busy" = "idle"): readonly Visitor[] {
      return Array.from({ length: count }, () => {
        const visitor = new Visitor(address)
        peers.connected(visitor.socket)
        if (how === "busy") peers.busy(visitor.socket)
        return visitor
      })
    },
  }
}

const gone = (visitors: readonly Visitor[]): readonly number[] =>
  visitors.flatMap(({ destroyed }, at) => (destroyed ? [at] : []))

test("one peer may have all connections while nobody else wants any", () => {
  const { come, full } = room(4)
  assert.deepEqual(gone(come("a", 4)), [])
  assert.equal(full(), 0)
})

test("a newcomer is let in for what has been idle for longest of who has the most", () => {
  const { come, peers, full } = room(6)
  const few = come("b", 2)
  const many = come("a", 4)
  peers.busy(many[0]!.socket)
  peers.busy(many[1]!.socket)
  peers.idle(many[1]!.socket)
  const newcomers = come("c", 2)
  assert.deepEqual(gone(newcomers), [])
  assert.deepEqual(gone(many), [2, 3])
  assert.deepEqual(gone(few), [])
  assert.equal(full(), 2)
})

test("who has the most gives an idle connection for each new one, and gets none if all are busy", () => {
  const { come, peers } = room(4)
  const [other] = come("b", 1)
  const many = come("a", 3)
  const [newer] = come("a", 1)
  assert.deepEqual(gone(many), [0])
  for (const { socket } of [...many, newer!]) peers.busy(socket)
  const [newest] = come("a", 1)
  assert.equal(newest!.destroyed, true)
  assert.deepEqual(gone([...many, newer!]), [0])
  assert.equal(other!.destroyed, false)
})

test("requests that trickle on all connections don't keep others out", () => {
  const { come } = room(4)
  const [light] = come("b", 1)
  const trickling = come("a", 3, "busy")
  const [newcomer] = come("c", 1)
  assert.deepEqual(gone(trickling), [0])
  assert.equal(newcomer!.destroyed, false)
  assert.equal(light!.destroyed, false, "Its one idle connection is within its share.")
})

test("idle connections beyond a share go before busy ones of who has even more", () => {
  const { come } = room(9)
  const busy = come("a", 5, "busy")
  const idle = come("b", 4)
  come("c", 1)
  assert.deepEqual([gone(busy), gone(idle)], [[], [0]])
})

test("of many peers with one connection each, the one that has been idle for longest goes", () => {
  const { come } = room(50)
  const all = Array.from({ length: 50 }, (_, n) => come(`a${n}`, 1)[0]!)
  const [newcomer] = come("b", 1)
  assert.deepEqual(gone(all), [0])
  assert.equal(newcomer!.destroyed, false)
})

test("who has left takes no room", () => {
  const { come, full } = room(2)
  const [first] = come("a", 2)
  first!.destroy()
  come("b", 1)
  assert.equal(full(), 0)
})

test("who has a network of IPv6 is one peer, whatever of its addresses it uses", () => {
  const { come } = room(3)
  const many = [...come("2001:db8:1:2::1", 1), ...come("2001:db8:1:2::2", 1)]
  const few = come("2001:db8:1:3::1", 1)
  come("192.0.2.1", 1)
  assert.deepEqual([gone(many), gone(few)], [[0], []])
})
