import assert from "node:assert/strict"
import { test } from "node:test"
import type { Call } from "../../src/service/outcome.ts"
import { displaced } from "../../src/service/pool/displaced.ts"
import { TaskQueue } from "../../src/service/pool/queue.ts"
import { newTask, type Task } from "../../src/service/pool/task.ts"

function task(peer: string, name: string, ms?: number, more: Partial<Call> = {}): Task {
  const call = { peer, requestId: name, arrivedAtMs: 0, deadlineAtMs: 1000, ...more }
  const estimate = { ms, medianMs: ms, highMs: ms, foretoldMs: undefined }
  return newTask(call as Call, estimate, () => {})
}

/** Tasks by names: their peer's letter, and a number. */
function queueOf(names: string, ms?: number, meanMs?: number): TaskQueue {
  const queue = new TaskQueue(() => meanMs)
  for (const name of names.split(" ")) queue.add(task(name[0]!, name, ms))
  return queue
}

const nameOf = (task: Task | undefined) => task?.call.requestId
const names = (tasks: Iterable<Task>) => [...tasks].map(nameOf).join(" ")

function serveAll(queue: TaskQueue, count = queue.size): string {
  return names(
    Array.from({ length: count }, () => {
      const next = queue.next(Number.NEGATIVE_INFINITY)!
      queue.serve(next)
      return next
    }),
  )
}

test("of one peer all are served in the order that they came in", () => {
  assert.equal(serveAll(queueOf("a1 a2 a3 a4", 10)), "a1 a2 a3 a4")
})

test("peers have their turns one after the other, however many wait of one", () => {
  assert.equal(serveAll(queueOf("a1 a2 a3 a4 b1 c1 b2", 10)), "a1 b1 c1 a2 b2 a3 a4")
})

test("while nothing is known of what calls take, each counts as much as the next", () => {
  assert.equal(serveAll(queueOf("a1 a2 a3 b1 b2")), "a1 b1 a2 b2 a3")
})

test("turns go by what is given, not by how many tasks it is", () => {
  const queue = new TaskQueue(() => undefined)
  for (let n = 1; n <= 3; n++) queue.add(task("a", `a${n}`, 30))
  for (let n = 1; n <= 6; n++) queue.add(task("b", `b${n}`, 10))
  assert.equal(serveAll(queue), "a1 b1 b2 b3 a2 b4 b5 b6 a3")
})

test("what a task took counts, once it is known, instead of what it was thought to take", () => {
  const queue = queueOf("a1 a2 b1 b2 b3 b4 c1", 10)
  const first = queue.next(0)!
  queue.serve(first)
  queue.took(first, 35)
  assert.equal(serveAll(queue), "b1 c1 b2 b3 b4 a2")
})

test("who comes anew has the next turn, and has saved up none by being away", () => {
  const queue = queueOf("a1 a2 a3 a4 a5 a6 a7", 10)
  serveAll(queue, 3)
  for (const name of ["b1", "b2", "b3"]) queue.add(task("b", name, 10))
  assert.equal(serveAll(queue), "b1 a4 b2 a5 b3 a6 a7")
})

test("who goes and comes back has not got rid of what it was given", () => {
  const queue = queueOf("a1 a2 a3 a4 a5", 10)
  queue.add(task("b", "b1", 30))
  assert.equal(serveAll(queue, 2), "a1 b1")
  queue.add(task("b", "b2", 30))
  assert.equal(serveAll(queue), "a2 a3 b2 a4 a5")
})

test("what was served and never begun is put back before all others of its peer", () => {
  const queue = queueOf("a1 a2 b1 b2", 10)
  const first = queue.next(0)!
  queue.serve(first)
  assert.equal(nameOf(queue.next(0)), "b1")
  queue.putBack(first)
  assert.equal(serveAll(queue), "a1 b1 a2 b2")
})

test("those promised since go in turns, then those before, the newest first", () => {
  const queue = new TaskQueue(() => undefined)
  for (const [name, arrivedAtMs] of Object.entries({
    a1: 1,
    a2: 2,
    a3: 11,
    b1: 3,
    b2: 12,
    b3: 13,
  })) {
    queue.add(task(name[0]!, name, 10, { arrivedAtMs }))
  }
  const served: (string | undefined)[] = []
  for (let next = queue.next(10); next !== undefined; next = queue.next(10)) {
    served.push(nameOf(next))
    queue.serve(next)
  }
  assert.deepEqual(served, ["a3", "b2", "b3", "a2", "b1", "a1"])
})

test("a newcomer waits for what is served before it, and not for the rest", () => {
  const queue = queueOf("a1 a2 a3 a4 a5 a6", 10, 10)
  serveAll(queue, 1)
  assert.equal(queue.beforeMs("a"), 50)
  assert.equal(queue.beforeMs("b"), 0)
  queue.add(task("b", "b1", 10))
  const beforeMs = queue.beforeMs("b")
  assert.ok(beforeMs >= 20 && beforeMs < 30, `${beforeMs}`)
  assert.equal(queue.beforeMs("a"), 60)
  assert.equal(queue.estimateMs(), 60)
  assert.equal(names(queue.behind("b")), "a3 a4 a5 a6")
  assert.equal(nameOf(queue.lastBehind("b")), "a6")
  assert.equal(nameOf(queue.lastBehind("c")), "a6")
  assert.equal(nameOf(queue.lastBehind("a")), undefined)
})

test("of peers that wait for as much none has to go for another", () => {
  const queue = queueOf("a1 a2 a3 b1 b2 b3", 10, 10)
  assert.deepEqual([queue.lastBehind("a"), queue.lastBehind("b")], [undefined, undefined])
})

test("peers that are always new do not keep out for ever who has had a turn", () => {
  const queue = queueOf("z1 z2", 1)
  const served: (string | undefined)[] = []
  for (let n = 0; n < 100; n++) {
    queue.add(task(`peer ${n}`, "", 1))
    const next = queue.next(0)!
    served.push(nameOf(next))
    queue.serve(next)
  }
  assert.ok(served.indexOf("z2") < 20, `z2 is served as number ${served.indexOf("z2")}`)
})

test("peers that wait for nothing are forgotten when others have been given as much", () => {
  const queue = queueOf("z1 z2", 1)
  for (let n = 0; n < 100_000; n++) {
    queue.add(task(`peer ${n}`, "", 1))
    queue.serve(queue.next(0)!)
  }
  assert.ok(queue.linesCount < 500, `${queue.linesCount} are remembered`)
})

test("for a newcomer only those go that it makes late, and each leaves time for those behind it", () => {
  const due = (deadlineAtMs: number) => task("a", `${deadlineAtMs}`, 10, { deadlineAtMs })
  const check = (deadlines: readonly number[], newMs: number, expected: string) => {
    const late = displaced(deadlines.map(due), 100, newMs, () => 10)
    assert.equal(names(late), expected, `${deadlines}`)
  }
  check([200, 200, 200], 10, "")
  check([120, 130, 140], 10, "")
  check([119, 129, 139], 10, "119")
  check([200, 129, 139], 10, "129")
  check([119, 129, 139], 20, "119 129")
  // Late without it.
  check([50, 200], 10, "")
})
