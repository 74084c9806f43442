import assert from "node:assert/strict"
import { test } from "node:test"
import * as z from "zod"
import { type Operation, operation } from "../../src/service/operation.ts"
import { type ApiTrial, serveApi } from "../support/api.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"

/** Answers where it is, and its parameters. */
function at(path: string, method: "GET" | "POST" = "POST"): Operation {
  return operation({
    method,
    path,
    params: z.record(z.string(), z.string()),
    output: z.any(),
    run: (input) => [path, ...Object.values(input.path)],
  })
}

function serveAll(...operations: readonly Operation[]): Promise<ApiTrial> {
  return serveApi(Object.fromEntries(operations.map((each, n) => [`op${n}`, each])))
}

/** What was answered; the status when it was refused, with the methods that are allowed. */
async function ask(api: ApiTrial, path: string, method: "GET" | "POST" | "DELETE" = "POST") {
  const { status, json, headers } = await api.call(method, path)
  return status === 200 ? json : [status, headers.allow].filter((it) => it !== undefined).join(" ")
}

test("escapes in a path are compared as RFC 3986 has it, by routes and by requests", async () => {
  await using api = await serveAll(
    at("/100%25/x"),
    at("/a%2Fb/c"),
    at("/%61b%20c/d%c3%a9"),
    at("/e/f"),
    at("/e%2ff/{id}"),
  )
  for (const [path, answer] of [
    ["/100%25/x", ["/100%25/x"]],
    ["/100%25/%78?q=%zz", ["/100%25/x"]],
    ["/a%2Fb/c", ["/a%2Fb/c"]],
    ["/a%2fb/c", ["/a%2Fb/c"]],
    ["/ab%20c/d%C3%A9", ["/%61b%20c/d%c3%a9"]],
    ["/a%62%20c/%64%c3%A9", ["/%61b%20c/d%c3%a9"]],
    ["/%65/%66", ["/e/f"]],
    ["/e%2Ff/1%2F2", ["/e%2ff/{id}", "1/2"]],
    ["/e%2Ff/50%25%3A%2525", ["/e%2ff/{id}", "50%:%25"]],
    ["/100%2525/x", "404"],
    ["/a/b/c", "404"],
    ["/a%252Fb/c", "404"],
    ["/e%2Ff", "404"],
    ["/%2Fe/f", "404"],
  ] as const) {
    assert.deepEqual(await ask(api, path), answer, path)
    const byGet = answer === "404" ? "404" : "405 POST"
    assert.equal(await ask(api, path, "GET"), byGet, path)
  }
  assert.equal(api.records[0]?.path, "/100%25/x", "it is logged as it was sent")
})

test("an escape that is none is malformed, whether or not anything could be there", async () => {
  await using api = await serveAll(at("/e/{id}"), at("/g", "GET"))
  for (const path of ["/e/%", "/e/%2", "/e/%zz", "/e/%%32", "/e/%c3", "/%ff", "/nowhere/%e9%2F"]) {
    for (const method of ["POST", "GET", "DELETE"] as const) {
      using client = await RawClient.connect(api.port)
      client.write(`${method} ${path} HTTP/1.1`, "host: x", "connection: close", "", "")
      const received = await client.read()
      assert.equal(statusOf(received), 400, `${method} ${path}`)
      assert.match(received, /a % in it is not followed by two hexadecimal digits/)
    }
  }
})

test("a parameter may be followed by what is written out, which is matched before one that is not", async () => {
  await using api = await serveAll(
    at("/v1/models/{name}:predict"),
    at("/v1/models/{name}:explain"),
    at("/v1/models/{name}"),
    at("/v1/models/{name}/versions/{version}:predict"),
    at("/v1/models:list", "GET"),
    at("/files/{name}.tar.gz", "GET"),
    at("/files/{name}.gz", "GET"),
  )
  for (const [path, answer] of [
    ["/v1/models/iris:predict", ["/v1/models/{name}:predict", "iris"]],
    ["/v1/models/iris:explain", ["/v1/models/{name}:explain", "iris"]],
    ["/v1/models/iris", ["/v1/models/{name}", "iris"]],
    ["/v1/models/iris:train", ["/v1/models/{name}", "iris:train"]],
    ["/v1/models/a:b%3Ac:predict", ["/v1/models/{name}:predict", "a:b:c"]],
    // The escape of a reserved character is not that character.
    ["/v1/models/iris%3Apredict", ["/v1/models/{name}", "iris:predict"]],
    ["/v1/models/:predict", ["/v1/models/{name}", ":predict"]],
    ["/v1/models/a/versions/2:predict", ["/v1/models/{name}/versions/{version}:predict", "a", "2"]],
    ["/v1/models/a/versions/2", "404"],
    ["/v1/models:list", "405 GET, HEAD"],
    ["/files/a.tar.gz", "405 GET, HEAD"],
  ] as const) {
    assert.deepEqual(await ask(api, path), answer, path)
  }
  assert.equal(await ask(api, "/v1/models/iris:predict", "GET"), "405 POST")
  assert.deepEqual(await ask(api, "/v1/models:list", "GET"), ["/v1/models:list"])
  assert.deepEqual(await ask(api, "/files/a.tar.gz", "GET"), ["/files/{name}.tar.gz", "a"])
  assert.deepEqual(await ask(api, "/files/a.b.gz", "GET"), ["/files/{name}.gz", "a.b"])
  assert.equal(await ask(api, "/files/.gz", "GET"), "404")
})

test("only with a suffix is only with it, and its parameters are checked like any", async () => {
  const predict = operation({
    path: "/models/{id}:predict",
    params: z.object({ id: z.int() }),
    output: z.int(),
    run: ({ path }) => path.id,
  })
  await using api = await serveApi({ predict }, { docs: "on" })
  assert.equal(await ask(api, "/models/7:predict"), 7)
  assert.equal(await ask(api, "/models/x:predict"), "422")
  assert.equal(await ask(api, "/models/7"), "404")
  assert.equal(await ask(api, "/models/7:predict", "GET"), "405 POST")
  const { json } = await api.call("GET", "/openapi.json")
  assert.deepEqual(Object.keys(json.paths), ["/models/{id}:predict"])
})
