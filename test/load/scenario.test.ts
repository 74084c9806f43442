/** What scenarios can do, against a real server. */
import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import type { IncomingMessage } from "node:http"
import { test } from "node:test"
import { csv, file, json, rows, type Scenario, scenario } from "capstan/load"
import { Cookies } from "../../src/load/client/cookies.ts"
import { type User, type Wait, waitMs } from "../../src/load/scenario/scenario.ts"
import { TemporaryFolder } from "../support/cli.ts"
import { enough, patientLoad } from "../support/load-run.ts"
import { loadTarget } from "../support/load-target.ts"
import { visits } from "../support/visits.ts"

/** One arrival of a scenario, and what came of it. */
function once(target: string, tasks: Parameters<typeof scenario>[0]["tasks"]) {
  return visits(1, { tasks }, { target })
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test("users are set up, keep their state, and are torn down, at the end of the run too", async () => {
  const seen: string[] = []
  const looks = (user: string): number => seen.filter((line) => line === `GET / ${user}`).length
  const stop = new AbortController()
  await using target = await loadTarget((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? "-"}`)
    if (Math.min(looks("0"), looks("1")) > 1) stop.abort()
    response.end(JSON.stringify({ token: request.url?.split("=")[1] }))
  })
  const session = scenario({
    async setUp({ post, number }) {
      const { token } = (await post(`/login?user=${number}`, { name: "/login" })).json()
      return { token: String(token) }
    },
    tasks: {
      look: ({ get }, { token }) => get("/", { headers: { authorization: token } }),
    },
    async tearDown({ delete: remove }, { token }) {
      await remove("/login", { headers: { authorization: token } })
    },
    wait: { constantMs: 10 },
  })
  const config = { target: target.url, scenario: session, users: 2, spawnRate: 100 }
  const result = await patientLoad(config, stop)
  assert.deepEqual(result.exceptions, [])
  assert.equal(result.total.failures, 0)
  for (const user of ["0", "1"]) {
    assert.equal(seen.filter((line) => line === `POST /login?user=${user} -`).length, 1)
    assert.ok(looks(user) > 1)
    assert.equal(seen.filter((line) => line === `DELETE /login ${user}`).length, 1)
  }
})

test("in the open model each arrival is a user of its own, set up and torn down", async () => {
  const seen: (string | undefined)[] = []
  await using target = await loadTarget((request, response) => {
    seen.push(request.url)
    response.end()
  })
  await visits<number>(
    2,
    {
      setUp: ({ get, number }) => get(`/in/${number}`).then(() => number),
      tasks: { look: ({ get }, number) => get(`/at/${number}`) },
      tearDown: ({ get }, number) => get(`/out/${number}`),
    },
    { target: target.url },
  )
  // Nobody waits for the one before.
  for (const user of ["0", "1"]) {
    const own = seen.filter((path) => path?.endsWith(`/${user}`))
    assert.deepEqual(own, [`/in/${user}`, `/at/${user}`, `/out/${user}`])
  }
  assert.equal(seen.length, 6)
})

test("what a scenario throws is counted by message and place, with a stack, and keeps nobody else", async () => {
  await using target = await loadTarget()
  let setUps = 0
  const broken = scenario({
    setUp() {
      setUps += 1
      if (setUps === 1) throw new RangeError("no seat left")
    },
    tasks: {
      async fine({ get }) {
        await get("/")
        const answer = { token: undefined } as unknown as { token: string }
        answer.token.toUpperCase()
      },
    },
    tearDown() {
      throw "tired"
    },
  })
  const config = { target: target.url, scenario: broken, rate: 50, runTimeMs: 100 }
  const result = await patientLoad(config)
  const kinds = result.exceptions
    .map(({ task, message, occurrences }) => [task, message, occurrences])
    .toSorted()
  assert.equal(kinds.length, 3, JSON.stringify(kinds))
  assert.deepEqual(kinds[1], ["set-up", "RangeError: no seat left", 1])
  assert.deepEqual([kinds[0]?.[0], kinds[0]?.[2]], ["fine", 4])
  assert.match(String(kinds[0]?.[1]), /^TypeError: Cannot read properties of undefined/)
  assert.deepEqual(kinds[2], ["tear-down", "tired", 4])
  const [first] = result.exceptions
  assert.match(first?.stack ?? "", /scenario\.test\.ts:\d+/)
  assert.ok(first!.firstSeenMs <= first!.lastSeenMs)
  assert.equal(result.total.failures, 0)
})

test("waits: between two bounds, by a function, and pacing from start to start", () => {
  const chance = (random: number) => ({ random: () => random }) as unknown as User
  const between = { minMs: 150, maxMs: 250 }
  assert.deepEqual(
    [0, 0.5].map((random) => waitMs(between, chance(random), 30)),
    [150, 200],
  )
  assert.equal(waitMs({ constantMs: 40 }, chance(0), 30), 40)
  assert.equal(waitMs({ everyMs: 100 }, chance(0), 30), 70)
  assert.equal(waitMs({ everyMs: 100 }, chance(0), 130), 0)
  assert.equal(
    waitMs(() => 10_000, chance(0), 30),
    10_000,
  )
  for (const ms of [-1, Number.NaN]) {
    assert.throws(() => waitMs(() => ms, chance(0), 30), /TypeError: wait returned/)
  }
})

test("users wait as they are told to between their tasks, and pacing counts what a task took", async () => {
  const taskMs = 60
  await using target = await loadTarget((_, response) => {
    setTimeout(() => response.end(), taskMs)
  })
  /** From each task's end to the next one's start. */
  const pausesMs = async (wait: Wait): Promise<number[]> => {
    const found: number[] = []
    let endedAtMs: number | undefined
    const { signal, count } = enough(5)
    const tasks = {
      async home({ get }: User) {
        if (endedAtMs !== undefined) found.push(performance.now() - endedAtMs)
        await get("/")
        endedAtMs = performance.now()
        count()
      },
    }
    const config = { target: target.url, scenario: scenario({ tasks, wait }), users: 1 }
    await patientLoad(config, { signal })
    return found
  }
  const [fixed, paced] = await Promise.all([
    pausesMs({ constantMs: 50 }),
    pausesMs({ everyMs: 50 }),
  ])
  assert.equal(fixed.length, 4)
  // A timer may be a millisecond early.
  assert.ok(Math.min(...fixed) > 48, `${fixed}`)
  // A task took longer than its pace, so there is no pause; this thread may stand still meanwhile.
  assert.ok(Math.min(...paced) < 48, `${paced}`)
})

test("a user that thinks in the middle of a task ends with the run", async () => {
  await using target = await loadTarget()
  const thinker = scenario({
    tasks: {
      async read({ get, sleep }) {
        await get("/first")
        await sleep(60_000)
        await get("/second")
      },
    },
  })
  const config = { target: target.url, scenario: thinker, rate: 30, runTimeMs: 100 }
  const result = await patientLoad(config)
  assert.equal(result.total.requests, 3)
  assert.deepEqual(result.exceptions, [])
})

test("redirects are followed within the target, and count as one request", async () => {
  const seen: string[] = []
  await using target = await loadTarget(async (request, response) => {
    seen.push(`${request.method} ${request.url} ${await bodyOf(request)}`)
    const hop = (status: number, location: string): unknown =>
      response.writeHead(status, { location }).end("moved")
    if (request.url === "/a") hop(302, "/b?x=1")
    else if (request.url === "/keep") hop(307, "b?x=1")
    else if (request.url === "/away") hop(301, "http://127.0.0.1:1/x")
    else response.end("here")
  })
  const { rows, failures } = await once(target.url, {
    async go({ post, get }) {
      const landed = await post("/a", { body: "data" })
      assert.deepEqual([landed.status, landed.text, landed.redirects], [200, "here", 1])
      assert.equal((await post("/keep", { body: "data" })).text, "here")
      assert.equal((await get("/a", { redirectsMax: 0, name: "/a itself" })).status, 302)
      assert.equal((await get("/away")).ok, false)
    },
  })
  assert.deepEqual(seen.slice(0, 4), [
    "POST /a data",
    "GET /b?x=1 ",
    "POST /keep data",
    "POST /b?x=1 data",
  ])
  assert.deepEqual(
    rows.map(({ name, requests }) => [name, requests]),
    [
      ["/a", 1],
      ["/keep", 1],
      ["/a itself", 1],
      ["/away", 1],
    ],
  )
  assert.deepEqual(
    failures.map(({ kind, error }) => [kind, error]),
    [["redirect", "redirects to http://127.0.0.1:1, which is not the target"]],
  )
})

test("each user has cookies of its own, that come back by themselves", async () => {
  const seen = new Map<string, string[]>()
  await using target = await loadTarget((request, response) => {
    const { "x-user": user = "", cookie = "-" } = request.headers
    seen.set(String(user), [...(seen.get(String(user)) ?? []), `${request.url} ${cookie}`])
    if (request.url === "/login") {
      response.setHeader("set-cookie", [`id=${user}; Path=/; HttpOnly`, "theme=dark; Path=/shop"])
    }
    if (request.url === "/logout") response.setHeader("set-cookie", "id=; Path=/; Max-Age=0")
    response.end()
  })
  const tasks = {
    async all({ get, number, cookies }: User) {
      const headers = { "x-user": String(number) }
      for (const path of ["/login", "/", "/shop/cart"]) await get(path, { headers })
      assert.equal(cookies.get("id"), String(number))
      await get("/logout", { headers })
      cookies.set("mine", "1")
      await get("/", { headers })
    },
  }
  const result = await visits(2, { tasks }, { target: target.url })
  assert.deepEqual(result.exceptions, [])
  for (const user of ["0", "1"]) {
    assert.deepEqual(seen.get(user), [
      "/login -",
      `/ id=${user}`,
      `/shop/cart theme=dark; id=${user}`,
      `/logout id=${user}`,
      "/ mine=1",
    ])
  }
})

test("cookies of other hosts and of https are left alone, and old ones are forgotten", () => {
  const jar = new Cookies(new URL("http://shop.example.com"))
  jar.take("a=1; Domain=example.com", "/x/y")
  jar.take("b=2; Domain=other.com", "/")
  jar.take("c=3; Secure; Path=/", "/")
  jar.take("d=4; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/", "/")
  jar.take(["not a cookie", "e=5; Path=/; Max-Age=60"], "/")
  assert.equal(jar.header("/x/z?q=1"), "a=1; e=5")
  assert.equal(jar.header("/xx"), "e=5")
  for (let n = 0; n < 300; n++) jar.set(`n${n}`, "v")
  assert.equal(jar.header("/")?.split("; ").length, 100)
  jar.clear()
  assert.equal(jar.header("/"), undefined)
})

test("forms are URL-encoded, and multipart with files, as a server reads them", async () => {
  const seen: unknown[] = []
  await using target = await loadTarget(async (request, response) => {
    const headers = { "content-type": request.headers["content-type"]! }
    const form = await new Response(new Uint8Array(await bodyOf(request)), { headers }).formData()
    for (const [name, value] of form) {
      seen.push(
        typeof value === "string"
          ? [name, value]
          : [name, value.name, value.type, Buffer.from(await value.arrayBuffer()).toString("hex")],
      )
    }
    response.end()
  })
  using folder = new TemporaryFolder()
  const path = folder.write("a.bin", "")
  writeFileSync(path, Buffer.from([0, 13, 10, 255]))
  const picture = await file(path, { type: "image/png", name: 'a"b.png' })
  const { total, exceptions } = await once(target.url, {
    async send({ post }) {
      await post("/", { form: { text: "a b&c", n: 3 } })
      await post("/", { form: { title: "ä", picture } })
    },
  })
  assert.deepEqual(exceptions, [])
  assert.equal(total.failures, 0)
  assert.deepEqual(seen, [
    ["text", "a b&c"],
    ["n", "3"],
    ["title", "ä"],
    ["picture", 'a"b.png', "image/png", "000d0aff"],
  ])
})

test("rows come from CSV, JSON and lists; in turn, by chance, or one for each user", async () => {
  using folder = new TemporaryFolder()
  const people = await csv(folder.write("p.csv", '\uFEFFname,age\n"Hopper, G",85\nAda,36\n'), {
    row: ({ name = "", age }) => ({ name, age: Number(age) }),
  })
  const things = await json<{ id: number }>(folder.write("t.json", '[{"id":1},{"id":2}]'), {
    pick: "random",
  })
  const own = rows(["red", "green"], { pick: "one-per-user" })
  const seen: string[] = []
  await using target = await loadTarget()
  const tasks = {
    async ask({ next, get, number }: User) {
      const { name, age } = next(people)
      assert.ok([1, 2].includes(next(things).id))
      seen.push(`${number} ${name} ${age} ${number < 2 ? next(own) : ""}`)
      await get("/")
      if (number === 2) next(own)
    },
  }
  const { exceptions } = await visits(3, { tasks }, { target: target.url })
  assert.deepEqual(seen, ["0 Hopper, G 85 red", "1 Ada 36 green", "2 Hopper, G 85 "])
  assert.deepEqual(
    exceptions.map(({ task, message }) => [task, message]),
    [["ask", "RangeError: rows() has 2 rows, and there are more users than that"]],
  )
})

test("data that can't be used says which file, which row and why", async () => {
  using folder = new TemporaryFolder()
  const bad = async (reading: Promise<unknown>, expected: RegExp): Promise<void> => {
    await assert.rejects(reading, { name: "LoadError", message: expected })
  }
  await bad(csv(`${folder.path}/none.csv`), /none\.csv can't be read \(ENOENT\)/)
  await bad(csv(folder.write("a.csv", "a,b\n1,2,3\n")), /a\.csv is not CSV: .*line 2/)
  await bad(csv(folder.write("b.csv", "a,b\n")), /b\.csv has no rows/)
  await bad(json(folder.write("a.json", "[1,")), /a\.json is not JSON/)
  await bad(json(folder.write("b.json", "{}")), /b\.json has to be a list/)
  const row = (from: unknown): number => {
    if (typeof from !== "number") throw new TypeError(`${from} is no number`)
    return from
  }
  await bad(json(folder.write("c.json", '[1,"x"]'), { row }), /c\.json, row 2: x is no number/)
  assert.throws(() => rows([]), /has no rows/)
  assert.throws(() => rows([1], { pick: "any" as never }), /pick is "any".*one-per-user/)
})

test("any method, and a path that is none is the scenario's fault", async () => {
  const seen: string[] = []
  await using target = await loadTarget((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    response.end()
  })
  const { exceptions, total } = await once(target.url, {
    async all({ head, patch, request }) {
      assert.equal((await head("/h")).status, 200)
      await patch("/p", { json: [] })
      await request("PROPFIND", "/dav")
      await request("OPTIONS", "/o")
      await request("GET", "oops")
    },
  })
  assert.deepEqual(seen, ["HEAD /h", "PATCH /p", "PROPFIND /dav", "OPTIONS /o"])
  assert.equal(total.failures, 0)
  assert.match(exceptions[0]?.message ?? "", /TypeError: The path is "oops"; it must begin with/)
})

test("a scenario that is none says what is wrong", () => {
  const wrong = (config: object, expected: RegExp): void => {
    assert.throws(() => scenario(config as never) as Scenario, {
      name: "TypeError",
      message: expected,
    })
  }
  wrong({}, /`tasks` is empty/)
  wrong({ tasks: {} }, /`tasks` is empty/)
  wrong({ tasks: { a: { weight: 0, run() {} } } }, /the weight of "a" is 0/)
  wrong({ tasks: { a: { weight: 1 } } }, /the task "a" is no function/)
  wrong({ tasks: { a() {} }, wait: { everyMs: -1 } }, /wait\.everyMs is -1/)
  wrong({ tasks: { a() {} }, wait: { minMs: 5, maxMs: 4 } }, /wait\.minMs is 5; it must be at most/)
})
