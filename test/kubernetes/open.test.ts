import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createServer, type Server } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { test } from "node:test"
import { Api } from "../../src/kubernetes/cluster/api.ts"
import { Forward, type ForwardEvent } from "../../src/kubernetes/cluster/forward.ts"
import { CliProcess, eventually } from "../support/cli.ts"
import { StandInCluster } from "../support/stand-in-cluster.ts"

const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } }

/** A replica of the deployment `a`: a server that says its name, and echoes what it is sent. */
async function replica(cluster: StandInCluster, name: string): Promise<Server & AsyncDisposable> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    response.writeHead(200, { "x-pod": name }).end(Buffer.concat(chunks))
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  cluster.podPorts.set(name, (server.address() as AddressInfo).port)
  cluster.add("Pod", name, { object: ready })
  return server
}

function gone(cluster: StandInCluster, name: string): void {
  cluster.podPorts.delete(name)
  const index = cluster.objects.findIndex(({ metadata }) => metadata?.name === name)
  cluster.objects.splice(index, 1)
}

/** Each on a connection of its own. */
async function podAt(url: string): Promise<string | null> {
  const answer = await fetch(url, { headers: { connection: "close" } })
  return answer.headers.get("x-pod")
}

function open(cluster: StandInCluster, ...args: readonly string[]): CliProcess {
  const env = { KUBECONFIG: cluster.kubeconfig }
  return new CliProcess(["open", "a", "--port", "0", ...args], { env })
}

test("open leads each connection to the next ready replica, and to others when one has gone", async () => {
  await using cluster = await StandInCluster.start()
  cluster.add("Deployment", "a")
  await using one = await replica(cluster, "one")
  await using two = await replica(cluster, "two")
  cluster.add("Pod", "three", { object: { status: {} } })
  await using cli = open(cluster)
  const [, url = ""] = await cli.output(/^(http:\/\/127\.0\.0\.1:\d+)$/m)
  await cli.output(/leads to one, two\n/)
  const answered = await Promise.all(Array.from({ length: 4 }, () => podAt(url)))
  assert.deepEqual(new Set(answered), new Set(["one", "two"]))

  const body = randomBytes(3_000_000)
  const echo = await fetch(url, { method: "POST", body })
  assert.ok(body.equals(Buffer.from(await echo.arrayBuffer())), "what is large arrives whole")

  gone(cluster, "one")
  const later = await Promise.all(Array.from({ length: 4 }, () => podAt(url)))
  assert.deepEqual(new Set(later), new Set(["two"]))
  one.closeAllConnections()
  two.closeAllConnections()

  cli.child.kill("SIGTERM")
  assert.deepEqual(await cli.ended, { code: 0, signal: null })
})

test("while no replica is ready, connections wait for one", async () => {
  await using cluster = await StandInCluster.start()
  cluster.add("Deployment", "a")
  await using cli = open(cluster)
  const [, url = ""] = await cli.output(/^(http:\S+)$/m)
  await cli.output(/no replica is ready; connections wait for one/)
  const answer = podAt(url)
  await using late = await replica(cluster, "late")
  assert.equal(await answer, "late")
  late.closeAllConnections()
})

test("what is not there can't be opened, nor can a port that is taken", async () => {
  await using cluster = await StandInCluster.start()
  await using none = open(cluster)
  await none.output(/There is no deployment a in the namespace default of stand-in\./)
  assert.equal((await none.ended).code, 1)

  cluster.add("Deployment", "a", { labels: {} })
  await using foreign = open(cluster)
  await foreign.output(/is not Capstan's\.\n.*kubectl port-forward/)
  assert.equal((await foreign.ended).code, 1)
  cluster.objects.length = 0

  cluster.add("Deployment", "a")
  await using first = open(cluster)
  const [, port = ""] = await first.output(/^http:\/\/127\.0\.0\.1:(\d+)$/m)
  await using second = open(cluster, "--port", port)
  await second.output(/Port \d+ is in use by another program\./)
  assert.equal((await second.ended).code, 1)
  await using third = open(cluster, "--port", "many")
  assert.equal((await third.ended).code, 2)
  await eventually(() => /--port is "many"; .* 0 to 65535/.test(third.stderr) || undefined, "words")
})

test("a replica that vanishes without a word is given up, and the next connection goes elsewhere", async () => {
  await using cluster = await StandInCluster.start()
  await using one = await replica(cluster, "one")
  const events: ForwardEvent[] = []
  const api = new Api(undefined, { KUBECONFIG: cluster.kubeconfig })
  await using forward = await Forward.listen(api, {
    ...{ namespace: "default", name: "a", podPort: 8080, port: 0, silenceMsMax: 300 },
    said: (event) => events.push(event),
  })
  const idle = connect(Number(new URL(forward.url).port), "127.0.0.1")
  const ask = async (): Promise<string> => {
    idle.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    const [answer] = await once(idle, "data")
    return String(answer)
  }
  assert.match(await ask(), /x-pod: one/)

  // For longer than it may be silent it has nothing to say but its answers to pings.
  await eventually(() => (cluster.pings >= 4 ? true : undefined), "pings")
  assert.match(await ask(), /x-pod: one/)

  const closed = new Promise<string>((resolve) => {
    idle.on("error", ({ message }) => resolve(message)).on("close", () => resolve("closed"))
  })
  cluster.fallSilent()
  assert.match(await closed, /ECONNRESET|closed/)
  const told = events.flatMap((event) => (event.kind === "failed" ? [event.why] : []))
  assert.deepEqual(told, ["one has said nothing for 0.3 s"])
  assert.equal(await podAt(forward.url), "one")
  one.closeAllConnections()
})

test("connections wait for an API server that is away for a moment", async () => {
  await using cluster = await StandInCluster.start()
  await using one = await replica(cluster, "one")
  const api = new Api(undefined, { KUBECONFIG: cluster.kubeconfig })
  await using forward = await Forward.listen(api, {
    ...{ namespace: "default", name: "a", podPort: 8080, port: 0, said: () => {} },
  })
  cluster.isAway = true
  const answer = podAt(forward.url)
  await eventually(() => (cluster.turnedAway > 0 ? true : undefined), "an attempt")
  cluster.isAway = false
  assert.equal(await answer, "one")
  one.closeAllConnections()
})
