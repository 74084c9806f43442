/** Starts the service on free ports, workers and all, and calls it as a client would. */
import assert from "node:assert/strict"
import { after, test } from "node:test"
import { serve } from "capstan"

const server = await serve(new URL("service.ts", import.meta.url), {
  settings: { port: 0, managementPort: 0, logLevel: "warn" },
})
after(() => server.drain())

function countPrimes(body: unknown): Promise<Response> {
  return fetch(`${server.url}/primes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })
}

test("counts the primes up to a number", async () => {
  const response = await countPrimes({ upTo: 100 })
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), { upTo: 100, primes: 25 })
})

test("says what is wrong with an input", async () => {
  const response = await countPrimes({ upTo: "a hundred" })
  assert.equal(response.status, 422)
  const { errors } = (await response.json()) as { errors: { path: string[] }[] }
  assert.deepEqual(errors[0]?.path, ["body", "upTo"])
})
