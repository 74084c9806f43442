/**
 * Clients that keep their connection, and let go of it only when the server says so: they lose
 * nothing when a new version takes over, and when a replica is killed hard, no more than was on its
 * way to it until the cluster had noticed.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Clients, inWords } from "../../bench/cluster/clients.ts"
import { deletePod, fullAgain, podsOf } from "../../bench/cluster/hard-kill.ts"
import { drawn } from "../../bench/cluster/numbers.ts"
import { Place, size } from "../../bench/cluster/place.ts"
import { allReady } from "../../bench/cluster/watched.ts"

const replicas = 2

test("20 keep-alive clients lose nothing to a rollout, and to a hard kill only what was there", async (t) => {
  await using place = await Place.make()
  const { api, namespace } = place
  const fixed = ["--min-replicas", `${replicas}`, "--max-replicas", `${replicas}`]
  const flags = [...fixed, "--cpu-limit", size.cpu]
  const image = await place.image()
  const url = await place.deploy(image, ...flags)
  await allReady(place, replicas)
  await using load = Clients.start({ url, clients: 20, body: drawn })

  await place.deploy(image, ...flags, "--env", "RELEASE=2")
  assert.equal(inWords(load.failures), "nothing")

  const [pod] = await podsOf(api, namespace)
  assert.ok(pod)
  await deletePod(api, namespace, pod)
  const fullS = await fullAgain(api, namespace, pod, Date.now(), replicas)
  const lost = load.failures.length
  t.diagnostic(`full after ${fullS.toFixed(1)} s, lost: ${inWords(load.failures)}`)
  for (const { error } of load.failures) {
    assert.match(error, /connection (refused|closed before the answer was complete)/)
  }
  // From here on it is as if nothing had been.
  for (const enough = load.requests + 500; load.requests < enough; ) await sleep(100)
  await load.stop()
  assert.equal(load.failures.length, lost, inWords(load.failures))
  t.diagnostic(`${load.requests} requests in all`)
})
