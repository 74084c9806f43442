/** The benches' command lines, and that docs/benchmarks.md has a place for each of them. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { after, before, suite, test } from "node:test"
import { type Attack, attacks } from "../../bench/attacks.ts"
import { floods, RunningFlood } from "../../bench/generator/floods.ts"
import { measureAttack } from "../../bench/hostile.ts"
import { type Peer, pick, type RunningPeer } from "../../bench/peers/peers.ts"
import { eventually } from "../support/cli.ts"
import { read, root } from "../support/repository.ts"

interface Ran {
  readonly status: number | null
  readonly output: string
}

const bench = (...args: string[]): Ran => run("bench/main.ts", args)

function run(program: string, args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    encoding: "utf8",
  })
  return { status, output: stdout + stderr }
}

test("every bench has its place in docs/benchmarks.md, and no other has", () => {
  const names = ["bench/main.ts", "bench/cluster/main.ts"].flatMap((program) => {
    const { status, output } = run(program, ["--help"])
    assert.equal(status, 0, output)
    return Array.from(output.matchAll(/^ {2}(\w[\w-]*) +[A-Z].*$/gm), ([, name]) => name)
  })
  assert.ok(names.includes("overload") && names.includes("surge"), `${names}`)
  const page = read("docs/benchmarks.md")
  const places = Array.from(
    page.matchAll(/^<!-- ([\w-]+) -->$[\s\S]*?^<!-- end of \1 -->$/gm),
    ([, name]) => name,
  )
  assert.deepEqual(places.toSorted(), names.toSorted())
})

test("a bench that does not exist, and a number out of range, are refused before anything runs", () => {
  for (const [args, message] of [
    [["overlaod"], /no bench "overlaod"; there are .*overload/],
    [["pool", "--rounds", "0"], /--rounds is 0; .*1 to 100/],
    [["pool", "--seconds", "ten"], /--seconds is ten; .*1 to 600/],
    [["--round", "3"], /--round/],
  ] as const) {
    const { status, output } = bench(...args)
    assert.equal(status, 2, output)
    assert.match(output, message)
  }
})

test("a flood opens another connection for each that ends, until it is over", async () => {
  let count = 0
  const server = createServer((socket) => {
    count += 1
    socket.on("error", () => {}).resume()
    if (count <= 6) socket.destroy()
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const { port } = server.address() as AddressInfo
  const target = { quick: "/", long: "/", post: "/", call: "" }
  const flood = new RunningFlood(floods[0]!, 3, { port, address: "127.0.0.2", target })
  await eventually(() => count === 9 || undefined, "three connections behind those that ended")
  const closed = once(server, "close")
  server.close()
  flood[Symbol.dispose]()
  await closed
  assert.equal(count, 9)
})

/**
 * Bodies of the same kinds that are done with at once, and little time: how long it takes is no
 * matter here.
 */
const sizes = { items: 1000, large: 1000, pattern: 8 }
const tiny = { warmupMs: 0, durationMs: 100 }

suite("a round of hostile bodies", () => {
  const [capstan, fastify] = pick("capstan", "fastify") as [Peer, Peer]
  /** Started once: what is shown here does not depend on what a server has been sent before. */
  const running = new Map<Peer, RunningPeer>()
  before(async () => {
    for (const peer of [capstan, fastify]) {
      running.set(peer, await peer.start({ spinIterations: 1, fromSource: true }))
    }
  })
  after(async () => {
    for (const server of running.values()) await server[Symbol.asyncDispose]()
  })

  const measure = (peer: Peer, attack: Attack) =>
    eventually(async () => {
      const smaller = { ...attack, size: sizes[attack.name] }
      const found = await measureAttack(peer.title, running.get(peer)!, smaller, 1, tiny)
      return found.bodies! > 0 ? found : undefined
    }, "a body to be answered in the measured time")

  for (const peer of [capstan, fastify]) {
    for (const attack of attacks) {
      test(`has probes of ${peer.title} answered and timed meanwhile: ${attack.name}`, async () => {
        const { failed, p50, p99, max } = await measure(peer, attack)
        assert.equal(failed, 0)
        assert.ok(0 < p50! && p50! <= p99! && p99! <= max!, `${p50} ${p99} ${max}`)
      })
    }
  }

  test("is lost by a server that answers otherwise than is due to a body", async () => {
    const attack = { ...attacks[0]!, statuses: ["200"] }
    await assert.rejects(measure(fastify, attack), /Fastify, inline answered 400 to items/)
  })
})
