import assert from "node:assert/strict"
import { test } from "node:test"
import { type Size, time } from "../../src/cli/screen/lines.ts"
import { screen } from "../../src/cli/watch/screen.ts"
import { Shadow } from "../../src/cli/watch/shadow.ts"
import type { WatchState } from "../../src/cli/watch/state.ts"
import { syncWords, wordsOf } from "../../src/cli/watch/words.ts"
import type { Condition } from "../../src/kubernetes/kinds.ts"
import { newsOf } from "../../src/kubernetes/watch/news.ts"
import { lifeOf } from "../../src/kubernetes/watch/pod-life.ts"
import { at, autoscaler, deployment, look, pod, startMs, used } from "../support/watched.ts"

test("a sync of the cluster's autoscaler is seen by its status, and ours agrees with reasons", () => {
  const shadow = new Shadow()
  assert.equal(shadow.take(look(0, {})), undefined, "what was before is no sync")
  assert.equal(shadow.take(look(1, {})), undefined)
  const sync = shadow.take(
    look(2, { autoscaler: autoscaler({ from: 1, to: 2, percent: 98, atS: 2 }) }),
  )
  assert.deepEqual(sync?.theirs, { from: 1, to: 2, utilizationPercent: 98 })
  assert.deepEqual(sync?.differences, [])
  assert.deepEqual(syncWords(sync!), [
    "1 → 2: cpu at 98 %, target 50 %, asks for 2: 1 ready pod × 1.96",
  ])
})

test("a measurement that came within the second of the sync is told by the use it comes to", () => {
  const shadow = new Shadow()
  shadow.take(look(0, { metrics: [used("p", 20, -5)] }))
  const sync = shadow.take(
    look(1, {
      metrics: [used("p", 98, 1)],
      deployment: deployment(2),
      pods: [pod("p"), pod("q", { bornS: 1, readyS: null })],
      autoscaler: autoscaler({ from: 1, to: 2, percent: 98, atS: 1 }),
    }),
  )
  assert.deepEqual([sync?.ours?.to, sync?.differences], [2, []])
})

test("a measurement that came before the status of a sync, and after what it saw, is no difference", () => {
  const shadow = new Shadow()
  shadow.take(look(0, { metrics: [used("p", 50, -15)] }))
  assert.equal(shadow.take(look(1, { metrics: [used("p", 98, 0)] })), undefined)
  const sync = shadow.take(
    look(2, {
      metrics: [used("p", 98, 0)],
      autoscaler: autoscaler({ from: 1, to: 1, percent: 50, atS: 2 }),
    }),
  )
  assert.deepEqual([sync?.ours?.to, sync?.differences], [1, []])
})

test("a sync that left no trace differs only when a whole interval has passed without one", () => {
  const held = autoscaler({ from: 2, to: 2, percent: 98, atS: 1 })
  const two = { deployment: deployment(2), pods: [pod("p"), pod("q", { bornS: -20, readyS: -15 })] }
  const silent = { ...two, metrics: [used("p", 98, 0)], autoscaler: held }
  const measured = { ...silent, metrics: [used("p", 98, 0), used("q", 98, 15)] }
  const begun = (): Shadow => {
    const shadow = new Shadow()
    shadow.take(look(0, { ...silent, autoscaler: autoscaler({ from: 2, to: 2, percent: 97 }) }))
    assert.deepEqual(shadow.take(look(1, silent))?.differences, [])
    return shadow
  }
  // The second replica's measurement came between the sync and the look at which that was overdue.
  const late = begun()
  for (let s = 2; s <= 16; s++) assert.equal(late.take(look(s, silent)), undefined)
  for (let s = 17; s <= 24; s++) assert.equal(late.take(look(s, measured)), undefined)
  const grown = late.take(
    look(25, { ...measured, autoscaler: autoscaler({ from: 2, to: 4, percent: 98, atS: 25 }) }),
  )
  assert.deepEqual([grown?.ours?.to, grown?.differences], [4, []])
  // It had come long before, and nothing follows from it.
  const stuck = begun()
  const told = Array.from({ length: 60 }, (_, s) => stuck.take(look(s + 2, measured)))
    .filter((sync) => sync !== undefined)
    .map(({ atMs, theirs, ours }) => [(atMs - startMs) / 1000, theirs.to, ours?.to])
  assert.deepEqual(told, [[31, 2, 4]])
})

test("what the autoscaler remembers from before the watch explains what nothing else does", () => {
  const held: Condition = { type: "AbleToScale", status: "True", reason: "ScaleDownStabilized" }
  const idle = { deployment: deployment(4), pods: "pqrs".split("").map((name) => pod(name)) }
  const metrics = "pqrs".split("").map((name) => used(name, 45, 0))
  const shadow = new Shadow()
  shadow.take(
    look(0, { ...idle, metrics, autoscaler: autoscaler({ from: 4, to: 4, percent: 50 }) }),
  )
  // Ours takes four to be what was asked for last; theirs has asked for less for five minutes.
  const sync = shadow.take(
    look(4, {
      ...idle,
      metrics: metrics.map((each) => ({ ...each, containers: used("", 10, 0).containers })),
      autoscaler: autoscaler({ from: 4, to: 1, percent: 10, atS: 4 }),
    }),
  )
  assert.equal(sync?.ours?.to, 4)
  assert.match(sync?.differences[0]?.what ?? "", /the autoscaler went 4 → 1, ours held 4/)
  assert.match(
    sync?.differences[0]?.because ?? "",
    /^ours is held back by what was asked for before \(ScaleDownStabilized\); this watch has seen 4 s of the 300 s/,
  )
  // What ours had guessed is disproved, and not said again.
  const next = shadow.take(
    look(5, {
      ...{
        metrics: [used("p", 9, 4)],
        autoscaler: autoscaler({ from: 1, to: 1, percent: 9, atS: 5 }),
      },
    }),
  )
  assert.deepEqual(next?.differences, [])
  // Once ours remembers as long as theirs does, it is no explanation any more.
  const late = new Shadow()
  const grown = autoscaler({ from: 1, to: 1, percent: 98 })
  late.take(look(0, { autoscaler: grown }))
  const odd = late.take(look(400, {}))
  assert.match(odd?.differences[0]?.because ?? "", /^the API was away for 400 s/)
  const stuck = new Shadow()
  for (let s = 0; s <= 400; s += 2) {
    const asked = stuck.take(
      look(s, { autoscaler: { ...grown, status: { ...grown.status, conditions: [held] } } }),
    )
    if (asked === undefined) continue
    assert.deepEqual(
      [asked.theirs.to, asked.ours?.to, asked.differences[0]?.because?.slice(0, 21)],
      [1, 2, "it is held back by wh"],
    )
  }
  const unlike = stuck.take(
    look(401, { autoscaler: autoscaler({ from: 1, to: 3, percent: 98, atS: 401 }) }),
  )
  assert.deepEqual(unlike?.differences, [
    { what: "the autoscaler went 1 → 3, ours went 1 → 2", because: undefined },
  ])
  assert.match(
    syncWords(unlike!).join("; "),
    /^1 → 3 by the autoscaler; ours: 1 → 2: .*nothing that the API shows says why$/,
  )
})

test("an autoscaler that can't measure holds, and says why in the end of its message", () => {
  const shadow = new Shadow()
  shadow.take(look(0, {}))
  const message =
    "the HPA was unable to compute the replica count: failed to get cpu utilization: no metrics returned from resource metrics API"
  const sync = shadow.take(
    look(1, {
      autoscaler: autoscaler({
        from: 1,
        to: 0,
        conditions: [
          { type: "ScalingActive", status: "False", reason: "FailedGetResourceMetric", message },
        ],
      }),
    }),
  )
  assert.deepEqual(sync?.theirs, { from: 1, to: 1, utilizationPercent: undefined })
  assert.match(sync?.differences[0]?.because ?? "", /^it could not measure/)
})

test("metrics that only the autoscaler can read leave ours silent, with the reason", () => {
  const by = autoscaler({ from: 1, to: 2 })
  const external = {
    ...by,
    spec: { ...by.spec!, metrics: [{ type: "External" }] },
  }
  const shadow = new Shadow()
  shadow.take(look(0, { autoscaler: { ...external, status: {} } }))
  const sync = shadow.take(look(1, { autoscaler: external }))
  assert.equal(sync?.ours, undefined)
  assert.match(
    syncWords(sync!).join("; "),
    /ours says nothing, because it goes by External metrics/,
  )
})

test("a pod is starting, ready, unready, failing or on its way out, since when it became so", () => {
  const running = (atS: number) => ({ started: true, state: { running: { startedAt: at(atS) } } })
  const waiting = (reason: string) => ({ started: false, state: { waiting: { reason } } })
  const phases = [
    pod("p"),
    pod("p", { readyS: null }),
    pod("p", { readyS: null, status: running(-600) }),
    pod("p", { readyS: -500, isReady: false, status: running(-599) }),
    pod("p", { readyS: null, status: waiting("CrashLoopBackOff") }),
    pod("p", { metadata: { deletionTimestamp: at(30), deletionGracePeriodSeconds: 30 } }),
  ].map((each) => {
    const { phase, sinceMs } = lifeOf(each)
    return [phase, (sinceMs - startMs) / 1000]
  })
  assert.deepEqual(phases, [
    ["ready", -590],
    ["starting", -600],
    ["starting", -600],
    ["unready", -500],
    ["failed", -600],
    ["draining", 0],
  ])
})

test("what happens between two looks is told once, in words", () => {
  const killed = {
    restartCount: 1,
    lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
  }
  const rolling = [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated" }]
  const over = [{ type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" }]
  const before = look(0, {
    pods: [pod("p"), pod("q")],
    deployment: deployment(2, { conditions: rolling }),
  })
  const now = look(1, {
    pods: [pod("p", { status: killed }), pod("r", { bornS: -2 })],
    deployment: deployment(3, { conditions: over }),
  })
  const said = newsOf(before, now).map((news) => wordsOf(news, now.atMs))
  assert.deepEqual(said, [
    "version 1 serves now",
    "3 replicas are wanted, no longer 2",
    "p has been restarted, once by now: it needed more memory than its limit",
    "r is ready, 3.0 s old",
    "q is gone",
  ])
  assert.deepEqual(newsOf(now, now), [])
})

test("the screen never has more lines or columns than the terminal", () => {
  const state: WatchState = {
    ...{ name: "a", namespace: "default", context: "c", atMs: startMs, isThere: true },
    outage: { sinceMs: startMs - 12_000, why: "it can't be reached" },
    replicas: { wanted: 40, present: 40, ready: 39 },
    rollout: { revision: 2, ready: 1 },
    cpu: {
      cores: 3.2,
      requestMilli: 100,
      utilizationPercent: 98,
      targetPercent: 50,
      measuredMs: startMs,
    },
    autoscaler: {
      ...{ min: 1, max: 40, conditions: [], blindUntilMs: startMs + 60_000 },
      now: {
        to: 40,
        reasons: ["held: cpu at 98 %, target 50 %, asks for 79", "maxReplicas is 40"],
      },
    },
    trouble: { message: "No node has room for a replica.", next: "Ask for less." },
    pods: Array.from({ length: 40 }, (_, i) => ({
      ...{
        name: `a-7c9d8f6b5-${i}`,
        phase: "ready",
        sinceMs: startMs,
        bornMs: startMs,
        restarts: 0,
      },
      ...{ lastEnd: undefined, trouble: undefined, cpuCores: 0.098 },
    })),
    syncs: [],
    blind: [{ what: "events", why: "you may not list them" }],
  }
  const notes = Array.from({ length: 50 }, (_, i) => ({ at: startMs, text: `note ${i}\n\x1b[2J` }))
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [200, 60],
  ] as const) {
    const size: Size = { columns, rows }
    const lines = screen(state, "http://127.0.0.1:8089", notes, size, startMs).split("\n")
    assert.ok(lines.length < rows, `${lines.length} lines of ${rows}`)
    for (const line of lines) assert.ok(line.length < columns, line)
  }
  const whole = screen(state, undefined, notes, { columns: 120, rows: 40 }, startMs)
  assert.match(whole, /No answer {2}for 12 s: it can't be reached/)
  assert.match(
    whole,
    /39 of 40 ready, 40 there, from 1 to 40, version 2 is being rolled out: 1 ready/,
  )
  assert.match(whole, /98 % of 100m, target 50 %, 3\.20 cores/)
  assert.match(whole, new RegExp(`${time(startMs)} {2}note 49`))
})
