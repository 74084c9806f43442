import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, writeFileSync } from "node:fs"
import { createServer as createPlain } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { after, before, test } from "node:test"
import { inspect, promisify } from "node:util"
import { type Access, access, isMinikube } from "../../src/kubernetes/access/kubeconfig.ts"
import { proxyFor } from "../../src/kubernetes/access/proxy.ts"
import { UnreachableError } from "../../src/kubernetes/access/unreachable.ts"
import { ApiError } from "../../src/kubernetes/cluster/api.ts"
import { without } from "../support/programs.ts"
import { root } from "../support/repository.ts"
import {
  file,
  folder,
  inBase64,
  kubeconfig,
  makeCertificates,
  Server,
} from "../support/tls-api-server.ts"

after(() => folder[Symbol.dispose]())
const skip = without("openssl")
if (!skip) before(makeCertificates)

const read = (KUBECONFIG: string, context?: string): Access => access(context, { KUBECONFIG })

test("the current context is taken, or the one that was named", () => {
  const one = kubeconfig({ namespace: "shop" }, "one", "one")
  const two = kubeconfig({}, "two", "two")
  assert.deepEqual([read(one).context, read(one).namespace], ["one", "shop"])
  assert.equal(read(`${one}:${two}`).context, "one")
  assert.equal(read(`${one}:${two}`, "two").namespace, "default")
  assert.throws(() => read(one, "three"), /has no context three; it has one\./)
})

test("of several files the first to say something counts, and those that are not there don't", () => {
  const one = kubeconfig({ user: { token: "first" } }, "here", "one")
  const two = kubeconfig({ user: { token: "second" } }, "here", "two")
  assert.equal(read(`${folder.path}/none:${one}:${two}`).user.token, "first")
})

test("paths in it are from where it lies", () => {
  mkdirSync(`${folder.path}/deep`, { recursive: true })
  const deep = kubeconfig(
    { cluster: { "certificate-authority": "../ca.crt" }, user: { exec: { command: "./login" } } },
    "here",
    "deep/kubeconfig",
  )
  assert.equal(read(deep).cluster["certificate-authority"], `${folder.path}/ca.crt`)
  assert.equal(read(deep).user.exec?.command, `${folder.path}/deep/login`)
})

test("what is not right about it is told", () => {
  const refuses = (text: string, says: RegExp): void => {
    const path = folder.write("bad", text)
    assert.throws(
      () => read(path),
      (error: Error) => {
        assert.ok(error instanceof UnreachableError)
        assert.match(error.message, says)
        return true
      },
    )
  }
  refuses("", /There is no kubeconfig: nothing in .*bad/)
  refuses("- a", /bad can't be read: it is no kubeconfig/)
  refuses("a: [", /bad can't be read: /)
  refuses("a: 1\nb: 2\na: 3", /bad can't be read: a key stands there twice at line 3, column 1$/)
  refuses("[".repeat(20_000), /bad can't be read: it is nested too deeply$/)
  refuses("- a\n".repeat(100_000), /bad can't be read: it has more than 200000 parts/)
  const bomb = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`)
  refuses(`a0: &a0 [x]\n${bomb.join("\n")}`, /bad can't be read: Excessive alias count/)
  refuses(`a: &a x\nb:\n${"- *a\n".repeat(101)}`, /bad can't be read: it has more than 100 aliases/)
  refuses("#".repeat(8 * 2 ** 20 + 1), /bad can't be read: it has more than 8388608 bytes/)
  refuses("contexts: [null]", /bad can't be read: one of its contexts is no object$/)
  refuses("contexts: 1", /bad can't be read: its contexts are no list/)
  refuses("contexts: [{name: a, context: {}}]", /names no current context/)
  refuses("current-context: a\ncontexts: [{name: a, context: {cluster: b}}]", /names no cluster/)
  const user = "clusters: [{name: b, cluster: {server: 'http://a'}}]"
  refuses(
    `current-context: a\n${user}\ncontexts: [{name: a, context: {cluster: b, user: c}}]`,
    /names a user that it has not/,
  )
})

test("what is null in it is as good as left out, as with kubectl", () => {
  const user = { token: "t", exec: null, "auth-provider": null }
  assert.deepEqual(read(kubeconfig({ user, cluster: { "proxy-url": null } })).user, { token: "t" })
})

test("a kubeconfig that can't be read is told without what stands in it", () => {
  const path = folder.write("secret", "users:\n- user:\n    token: hunter2: x\n")
  assert.throws(
    () => read(path),
    (error: Error) => {
      assert.match(error.message, /secret can't be read: .* at line 3, column \d+$/)
      assert.doesNotMatch(inspect(error), /hunter2/)
      return true
    },
  )
})

test("minikube's clusters are known by what minikube writes", () => {
  const extensions = [{ name: "cluster_info", extension: { provider: "minikube.sigs.k8s.io" } }]
  assert.equal(isMinikube(read(kubeconfig({ cluster: { extensions } }, "mine"))), true)
  assert.equal(isMinikube(read(kubeconfig({}, "mine"))), false)
  assert.equal(isMinikube(read(kubeconfig({}, "minikube"))), true)
})

test("a certificate is shown, from the file or as data; the server's is checked", {
  skip,
}, async () => {
  await using server = await Server.start()
  const byData = {
    "client-certificate-data": inBase64("client.crt"),
    "client-key-data": inBase64("client.key"),
  }
  await server.api(byData).json("/version")
  await server
    .api({ "client-certificate": "client.crt", "client-key": "client.key" })
    .json("/version")
  assert.deepEqual(
    server.seen.map(({ certificate }) => certificate),
    ["someone", "someone"],
  )
  const unknown = server.api({}, { "certificate-authority-data": inBase64("client.crt") })
  await assert.rejects(unknown.json("/version"), /can't be reached: .*certificate/)
  await server
    .api({}, { "certificate-authority-data": undefined, "insecure-skip-tls-verify": true })
    .json("/version")
  const missing = server.api({ "client-certificate": "none.crt" })
  await assert.rejects(missing.json("/version"), /A file that the kubeconfig names can't be read/)
})

test("a token is sent, from the file or as it stands; so are name and password", {
  skip,
}, async () => {
  await using server = await Server.start()
  folder.write("token", "from-file\n")
  await server.api({ token: "plain" }).json("/version")
  await server.api({ token: "plain", tokenFile: "token" }).json("/version")
  await server.api({ username: "a", password: "b" }).json("/version")
  assert.deepEqual(
    server.seen.map(({ authorization }) => authorization),
    ["Bearer plain", "Bearer from-file", `Basic ${btoa("a:b")}`],
  )
})

test("whom the kubeconfig acts for is said with every request", { skip }, async () => {
  await using server = await Server.start()
  const user = {
    as: "a",
    "as-uid": "1",
    "as-groups": ["b", "c"],
    "as-user-extra": { scopes: ["d"] },
  }
  await server.api({ token: "x", ...user }).json("/version")
  assert.deepEqual(server.seen[0]?.actsFor, ["a", "1", "b, c", "d"])
})

test("in a pod without a kubeconfig it is the pod's own cluster", () => {
  const account = `${folder.path}/account`
  mkdirSync(account)
  const env = {
    HOME: "/nowhere",
    KUBERNETES_SERVICE_HOST: "fd00::1",
    KUBERNETES_SERVICE_PORT: "6443",
  }
  assert.throws(() => access(undefined, env, account), /There is no kubeconfig/)
  writeFileSync(`${account}/token`, "t")
  writeFileSync(`${account}/namespace`, "shop\n")
  const { context, namespace, cluster, user } = access(undefined, env, account)
  assert.deepEqual(
    [context, namespace, cluster.server],
    ["in-cluster", "shop", "https://[fd00::1]:6443"],
  )
  assert.equal(user.tokenFile, `${account}/token`)
})

/** A login program: counts its runs, and gives what `status` says. */
function program(status: string): string {
  const counter = `${folder.path}/runs-${Math.random()}`
  writeFileSync(counter, "")
  const text = `#!${process.execPath}
const { appendFileSync, readFileSync } = require("node:fs")
appendFileSync(${JSON.stringify(counter)}, "x")
const runs = readFileSync(${JSON.stringify(counter)}, "utf8").length
const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO)
console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: "ExecCredential", status: ${status} }))
`
  writeFileSync(`${folder.path}/login`, text, { mode: 0o755 })
  return "./login"
}

const plugin = (command: string, more: object = {}) => ({
  exec: { apiVersion: "client.authentication.k8s.io/v1", command, ...more },
})

test("a login program is run once for many requests, told of the cluster, and asked again after a 401", {
  skip,
}, async () => {
  await using server = await Server.start()
  const status =
    "{ token: [runs, info.spec.cluster.server, process.env.WHO, process.argv[2]].join() }"
  const user = plugin(program(status), {
    ...{ provideClusterInfo: true, args: ["arg"], env: [{ name: "WHO", value: "me" }] },
  })
  const api = server.api(user)
  await Promise.all([api.json("/version"), api.json("/version")])
  const token = (run: number) => `Bearer ${run},${server.url},me,arg`
  assert.deepEqual(
    new Set(server.seen.map(({ authorization }) => authorization)),
    new Set([token(1)]),
  )
  server.refused = token(1)
  await assert.rejects(
    api.json("/version"),
    (error) => error instanceof ApiError && error.status === 401,
  )
  await api.json("/version")
  assert.equal(server.seen.at(-1)?.authorization, token(2))
  assert.equal(server.connections, 2, "those of the first two requests")
})

test("a login program that has to ask somebody is not run where there is nobody", {
  skip,
}, async () => {
  await using server = await Server.start()
  const code = `
    import { Api } from ${JSON.stringify(`${root}src/kubernetes/cluster/api.ts`)}
    await new Api().json("/version").catch((error) => console.log(error.message))`
  const exec = plugin(program("process.exit(3)"), { interactiveMode: "Always" })
  const KUBECONFIG = kubeconfig({ user: exec, cluster: { server: server.url } })
  const args = ["--input-type=module", "--eval", code]
  const ran = promisify(execFile)(process.execPath, args, { env: { ...process.env, KUBECONFIG } })
  assert.match((await ran).stdout, /it wants a terminal to ask you something in/)
})

test("a server that has no time is asked again, and given up in the end", { skip }, async () => {
  await using server = await Server.start()
  const api = server.api({ token: "x" })
  server.busy = 4
  await api.json("/version", { method: "POST", body: {} })
  assert.equal(server.seen.length, 5)
  server.busy = 5
  await assert.rejects(api.json("/version"), (error) => (error as ApiError).status === 429)
})

test("a login that has run out is got anew", { skip }, async () => {
  await using server = await Server.start()
  const ended = "{ token: String(runs), expirationTimestamp: new Date().toISOString() }"
  const api = server.api(plugin(program(ended)))
  await api.json("/version")
  await api.json("/version")
  assert.deepEqual(
    server.seen.map(({ authorization }) => authorization),
    ["Bearer 1", "Bearer 2"],
  )
})

test("a login program may give a certificate", { skip }, async () => {
  await using server = await Server.start()
  const status = `{ clientCertificateData: ${JSON.stringify(file("client.crt"))}, clientKeyData: ${JSON.stringify(file("client.key"))} }`
  await server.api(plugin(program(status))).json("/version")
  assert.equal(server.seen[0]?.certificate, "someone")
})

test("a login program that fails, or is not there, is told with what to do", { skip }, async () => {
  await using server = await Server.start()
  const hint = { installHint: "Install it with: make login" }
  const missing = server.api(plugin("no-such-login", hint))
  await assert.rejects(
    missing.json("/version"),
    /logs in by no-such-login, and that failed: it is not installed\. Install it with: make login/,
  )
  await assert.rejects(
    server.api(plugin(program("process.exit(3)"))).json("/version"),
    /exit code 3/,
  )
  await assert.rejects(
    server.api(plugin(program("{}"))).json("/version"),
    /neither token nor certificate/,
  )
  const killed = plugin(program('process.kill(process.pid, "SIGKILL")'))
  await assert.rejects(server.api(killed).json("/version"), /that failed: it ended by SIGKILL\./)
  // As it would print it for somebody to paste.
  const bare = plugin(program('(console.log("hunter2"), {})'))
  await assert.rejects(server.api(bare).json("/version"), (error) => {
    assert.match(`${error}`, /that failed: what it printed is no JSON\./)
    assert.doesNotMatch(inspect(error), /hunter2/)
    return true
  })
  const old = server.api({ "auth-provider": { name: "gcp" } })
  await assert.rejects(old.json("/version"), /auth-provider gcp, which Kubernetes has given up/)
})

test("the kubeconfig's proxy is gone through, and one that can't be is refused", {
  skip,
}, async () => {
  await using server = await Server.start()
  const asked: string[] = []
  const proxy = createPlain().on("connect", ({ url = "" }, socket, head) => {
    asked.push(url)
    const [host, port] = url.split(":")
    const target = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n")
      target.write(head)
      target.pipe(socket).pipe(target)
    })
    socket.on("error", () => target.destroy())
  })
  await once(proxy.listen(0, "127.0.0.1"), "listening")
  try {
    const { port } = proxy.address() as AddressInfo
    await server.api({ token: "x" }, { "proxy-url": `http://127.0.0.1:${port}` }).json("/version")
    assert.equal(server.seen.length, 1)
    assert.deepEqual(asked, [new URL(server.url).host])
  } finally {
    proxy.closeAllConnections()
    proxy.close()
  }
  const socks = server.api({}, { "proxy-url": "socks5://me:hunter2@127.0.0.1:1" })
  await assert.rejects(socks.json("/version"), (error) => {
    assert.match(`${error}`, /proxy-url is one of socks5; .* http and https proxies only/)
    assert.doesNotMatch(inspect(error), /hunter2/)
    return true
  })
})

test("the environment's proxy is gone through unless NO_PROXY names the server, as kubectl reads it", () => {
  const HTTPS_PROXY = "proxy.example:3128"
  const through = (host: string, NO_PROXY?: string, own?: string) =>
    proxyFor(new URL(`https://${host}`), own, { HTTPS_PROXY, NO_PROXY })
  const proxy = `http://${HTTPS_PROXY}`
  assert.equal(through("api.example"), proxy)
  for (const [host, list] of [
    ["10.1.2.3:6443", "localhost, 10.0.0.0/8"],
    ["10.1.2.3:6443", "10.1.2.3"],
    ["[fd00::1]:6443", "fd00::/8"],
    ["[fd00::1]:6443", "[fd00::1]:6443"],
    ["api.example", "example"],
    ["api.example", ".EXAMPLE"],
    ["api.example", "*.example"],
    ["api.example", "api.example:443"],
    ["api.example", "*"],
    ["localhost:6443", ""],
    ["127.0.0.1:6443", ""],
    ["[::1]:6443", ""],
  ] as const) {
    assert.equal(through(host, list), undefined, `${host} with NO_PROXY=${list}`)
  }
  for (const [host, list] of [
    ["11.1.2.3", "10.0.0.0/8,fd00::/8"],
    ["api.example", "pi.example,other"],
    ["example", ".example"],
    ["api.example", "api.example:6443"],
    ["10.1.2.3", "10.0.0.0/99,10.0.0.0/"],
    ["localhost.example", ""],
    ["127.0.0.1.example", ""],
  ] as const) {
    assert.equal(through(host, list), proxy, `${host} with NO_PROXY=${list}`)
  }
  assert.equal(through("10.1.2.3", "*", "http://own:1"), "http://own:1", "over NO_PROXY")
  assert.equal(through("10.1.2.3", "*", ""), undefined, "empty is none")
  assert.equal(proxyFor(new URL("http://api.example"), undefined, { HTTPS_PROXY }), undefined)
})
