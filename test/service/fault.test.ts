import assert from "node:assert/strict"
import { test } from "node:test"
import { toFault, withFaults } from "../../src/service/fault.ts"

test("of an error the message, the stack and the code are told", () => {
  const error = Object.assign(new Error("no such model"), { code: "E_MODEL", secret: "hidden" })
  const { message, stack } = toFault(error)
  assert.equal(message, "no such model (code E_MODEL)")
  assert.match(`${stack}`, /^Error: no such model \(code E_MODEL\)\n {4}at .*fault\.test/)
  assert.doesNotMatch(`${message}${stack}`, /hidden/)
  const system = Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" })
  assert.equal(toFault(system).message, "ENOENT: no such file")
})

test("causes are told to the last, errors or not, with their codes", () => {
  const refused = Object.assign(new Error("connect failed"), { code: "ECONNREFUSED" })
  const middle = new TypeError("fetch failed", { cause: refused })
  const { message, stack } = toFault(new Error("no weights", { cause: middle }))
  assert.equal(message, "no weights")
  assert.match(
    `${stack}`,
    /no weights[\s\S]*\ncaused by TypeError: fetch failed[\s\S]*\ncaused by Error: connect failed \(code ECONNREFUSED\)\n {4}at /,
  )
  const { stack: texts } = toFault(new Error("a", { cause: { reason: "disk", code: 7 } }))
  assert.match(`${texts}`, /\ncaused by \{ reason: 'disk', code: 7 \}$/)
  assert.match(`${toFault(new Error("a", { cause: "a text" })).stack}`, /\ncaused by a text$/)
})

test("each of several errors is told, in the message too where it has none of its own", () => {
  const { message, stack } = toFault(new AggregateError([new Error("first"), "second"]))
  assert.equal(message, "first; second")
  assert.match(`${stack}`, /\none of its errors: Error: first[\s\S]*\none of its errors: second$/)
  const many = Array.from({ length: 1000 }, (_, n) => new Error(`number ${n}.`))
  const { stack: listed } = toFault(new AggregateError(many, "all of them"))
  assert.match(`${listed}`, /number 9\.[\s\S]*\nand 990 more errors$/)
  assert.doesNotMatch(`${listed}`, /number 10\./)
  const both = toFault(new SuppressedError(new Error("disposing"), new Error("running"), "both"))
  assert.match(`${both.stack}`, /\nfirst Error: running[\s\S]*\nthen Error: disposing/)
})

test("what is thrown and no error is told as it is", () => {
  for (const [thrown, message] of [
    ["a text", "thrown: a text"],
    [undefined, "thrown: undefined"],
    [{ reason: "full", at: { disk: 3 } }, "thrown: { reason: 'full', at: { disk: 3 } }"],
    [{ message: "like an error", code: 5 }, "like an error (code 5)"],
    [Symbol("sign"), "thrown: Symbol(sign)"],
    [new Error(""), "Error"],
  ] as const) {
    assert.equal(toFault(thrown).message, message)
  }
})

test("long ones are cut, and what is behind them is still there", () => {
  const cause = new Error(`cause ${"y".repeat(1_000_000)}`, { cause: new Error("the reason") })
  const { message, stack } = toFault(new Error("x".repeat(1_000_000), { cause }))
  assert.match(message, /^x{2000}… \(998000 more characters\)$/)
  assert.match(`${stack}`, /caused by Error: cause y+… [\s\S]*caused by Error: the reason/)
  assert.ok(`${stack}`.length < 30_000)
})

test("what goes round in circles, or has no end, comes to one", () => {
  const circle = new Error("round")
  circle.cause = new Error("and round", { cause: circle })
  assert.equal(`${toFault(circle).stack}`.match(/Error: round/g)?.length, 1)
  let deep = new Error("bottom")
  for (let n = 0; n < 1000; n++) deep = new Error(`level ${n}`, { cause: deep })
  assert.match(`${toFault(deep).stack}`, /level 980[\s\S]*\nand more$/)
})

test("what fails when it is looked at is told as that", () => {
  const hostile = Object.defineProperty({}, "message", {
    get() {
      throw new Error("no")
    },
  })
  assert.match(toFault(hostile).message, /fails when it is looked at/)
})

test("a message that was changed is told as it is now", () => {
  const error = new Error("before")
  assert.match(`${error.stack}`, /before/)
  error.message = "after"
  assert.match(`${toFault(error).stack}`, /^Error: before: after\n/)
})

test("errors among the fields of a line become what is told of them, wherever they are", () => {
  const date = new Date(0)
  const error = new Error("why", { cause: "because" })
  const fields = withFaults({ error, n: 1, date, list: [{ deep: error }] })
  const fault = toFault(error)
  assert.deepEqual(fields, { error: fault, n: 1, date, list: [{ deep: fault }] })
  assert.deepEqual(withFaults(error as never), { err: fault })
  assert.equal(withFaults(undefined), undefined)
})
