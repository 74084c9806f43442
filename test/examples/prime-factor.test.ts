/** The prime-factor API as a client meets it. */
import assert from "node:assert/strict"
import { after, test } from "node:test"
import { serve } from "../../src/index.ts"
import { openApiDocument } from "../../src/service/http/openapi.ts"
import { loadService } from "../../src/service/module.ts"
import { resolveSettings } from "../../src/service/settings.ts"
import { eventually } from "../support/cli.ts"
import { read } from "../support/repository.ts"

const module = new URL("../../examples/prime-factor/service.ts", import.meta.url)
const server = await serve(new URL("../fixtures/examples/prime-factor.ts", import.meta.url), {
  // Workers that are nice get nothing while others on this machine want all of it.
  settings: { port: 0, managementPort: 0, logLevel: "silent", workers: 2, workerNice: 0 },
  env: {},
})
after(() => server[Symbol.asyncDispose]())

/** The largest prime below 2^53. */
const slowest = 9_007_199_254_740_881

interface Hello {
  readonly message1: string
  readonly message2: string
  readonly n: number
  readonly largest_prime_factor: number
  readonly elapsed_time: number
}

async function post(body: unknown): Promise<Response> {
  return await fetch(`${server.url}/api/v1/hello`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })
}

async function hello(body: unknown, status = 200): Promise<Hello> {
  const response = await post(body)
  assert.equal(response.status, status)
  return (await response.json()) as Hello
}

test("greets, factors the number it is given, and says how long it took", async () => {
  const askedAtMs = performance.now()
  const answer = await hello({ n: 600_851_475_143 })
  const tookS = (performance.now() - askedAtMs) / 1000
  const { elapsed_time, message2, ...rest } = answer
  assert.deepEqual(rest, {
    message1: "Hello, world!",
    n: 600_851_475_143,
    largest_prime_factor: 6857,
  })
  assert.ok(elapsed_time >= 0 && elapsed_time < tookS, `${elapsed_time} of ${tookS} seconds`)
  assert.equal(
    message2,
    `The largest prime factor of 600851475143 is 6857; finding it took ${elapsed_time} seconds.`,
  )
})

test("draws a whole number of its range when it is given none", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => hello({})))
  for (const { n, largest_prime_factor } of answers) {
    assert.ok(Number.isSafeInteger(n) && n >= 1.25e12 && n < 2.5e12, `n = ${n}`)
    assert.equal(n % largest_prime_factor, 0)
  }
  assert.ok(new Set(answers.map(({ n }) => n)).size > 15, "numbers differ")
})

test("takes every whole number from 2 to 2^53 − 1, and nothing else", async () => {
  assert.equal((await hello({ n: 2 })).largest_prime_factor, 2)
  assert.equal((await hello({ n: Number.MAX_SAFE_INTEGER })).largest_prime_factor, 20_394_401)
  for (const n of [1, 0, -7, 2.5, 2 ** 53, "7", null]) await hello({ n }, 422)
})

test("answers the slowest number, and says how long it took", async () => {
  const askedAtMs = performance.now()
  const { largest_prime_factor, elapsed_time } = await hello({ n: slowest })
  const tookS = (performance.now() - askedAtMs) / 1000
  assert.equal(largest_prime_factor, slowest)
  assert.ok(elapsed_time > 0 && elapsed_time < tookS, `${elapsed_time} of ${tookS} seconds`)
})

test("answers /ping while every worker is busy", async () => {
  let pings = 0
  let answers = 0
  let done = false
  const slow = [1, 2].map(async () => {
    while (!done) {
      await hello({ n: slowest })
      answers += 1
    }
  })
  const busy = async (): Promise<number> => {
    const demand = await (await fetch(`${server.managementUrl}/demand`)).json()
    return (demand as { readonly busy: number }).busy
  }
  const answeredMeanwhile = async (): Promise<boolean> => {
    const before = answers
    if ((await busy()) < 2) return false
    const response = await fetch(`${server.url}/ping`)
    assert.deepEqual(await response.json(), { ping: "pong!" })
    // Both workers are still at what they were at before.
    return (await busy()) === 2 && answers === before
  }
  try {
    await eventually(async () => {
      if (await answeredMeanwhile()) pings += 1
      return pings === 5 || undefined
    }, "answers while the workers compute")
  } finally {
    done = true
    await Promise.all(slow)
  }
})

test("its OpenAPI document is the one that is checked in", async () => {
  const document = openApiDocument(await loadService(module), resolveSettings())
  assert.deepEqual(
    JSON.parse(JSON.stringify(document)),
    JSON.parse(read("examples/prime-factor/openapi.json")),
    "Look at the difference; when it is meant, `npm run docs` writes it.",
  )
})
