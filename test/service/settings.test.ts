import assert from "node:assert/strict"
import { test } from "node:test"
import {
  environmentVariable,
  flag,
  resolveSettings,
  SettingError,
  type Settings,
  settingsTable,
} from "../../src/service/settings.ts"

test("every setting has a default that is in its own range", () => {
  const defaults = Object.fromEntries(
    Object.entries(settingsTable).map(([name, spec]) => [name, spec.default]),
  )
  assert.deepEqual(resolveSettings({ options: defaults }), defaults)
})

test("code, environment and flags, each over the one before", () => {
  const options = { port: 1 }
  const env = { CAPSTAN_PORT: "2" }
  assert.equal(resolveSettings().port, 8080)
  assert.equal(resolveSettings({ options }).port, 1)
  assert.equal(resolveSettings({ options, env }).port, 2)
  assert.equal(resolveSettings({ options, env, flags: { port: "3" } }).port, 3)
})

test("the management port is on all addresses of the family that the API listens on", () => {
  const all = { CAPSTAN_MANAGEMENT_HOST: "all" }
  const managementHost = (env: Readonly<Record<string, string>>): string =>
    resolveSettings({ env: { ...all, ...env } }).managementHost
  assert.equal(managementHost({}), "0.0.0.0")
  assert.equal(managementHost({ CAPSTAN_HOST: "127.0.0.1" }), "0.0.0.0")
  assert.equal(managementHost({ CAPSTAN_HOST: "::" }), "::")
  assert.equal(managementHost({ CAPSTAN_HOST: "fd00::1" }), "::")
})

test("variables and flags follow from the name", () => {
  assert.equal(environmentVariable("queueBytesMax"), "CAPSTAN_QUEUE_BYTES_MAX")
  assert.equal(flag("queueBytesMax"), "--queue-bytes-max")
  assert.equal(environmentVariable("workerMemoryMiB"), "CAPSTAN_WORKER_MEMORY_MIB")
  assert.equal(flag("workerMemoryMiB"), "--worker-memory-mib")
})

test("a list is separated by commas", () => {
  const { corsOrigins } = resolveSettings({ env: { CAPSTAN_CORS_ORIGINS: "https://a, https://b" } })
  assert.deepEqual(corsOrigins, ["https://a", "https://b"])
})

test("the variables that Kubernetes makes of a Service called capstan are not ours", () => {
  const env = {
    CAPSTAN_PORT: "tcp://10.0.0.1:80",
    CAPSTAN_PORT_80_TCP_ADDR: "10.0.0.1",
    CAPSTAN_SERVICE_HOST: "10.0.0.1",
    CAPSTAN_DEMO_SERVICE_PORT: "80",
  }
  assert.equal(resolveSettings({ env }).port, 8080)
})

for (const [sources, message] of [
  [{ flags: { port: "80a" } }, '--port is "80a"; it must be a whole number from 0 to 65535.'],
  [{ flags: { port: "" } }, '--port is ""; it must be a whole number from 0 to 65535.'],
  [
    { env: { CAPSTAN_PORT: "1e3" } },
    'CAPSTAN_PORT is "1e3"; it must be a whole number from 0 to 65535.',
  ],
  [
    { options: { workers: 0 } },
    'workers is 0; it must be "auto" or a whole number from 1 to 1024.',
  ],
  [
    { options: { logLevel: "loud" } },
    'logLevel is "loud"; it must be one of debug, info, warn, error, silent.',
  ],
  [{ options: { prot: 1 } }, 'There is no setting "prot"; docs/settings.md lists them all.'],
  [
    { env: { CAPSTAN_PROT: "1" } },
    "There is no setting for the environment variable CAPSTAN_PROT; docs/settings.md lists them all.",
  ],
  [
    { options: { requestTimeoutMs: 500 } },
    "requestTimeoutMs is 500; it must be at least headersTimeoutMs, which is 10000.",
  ],
  [
    { options: { bodyBytesMax: 209_715_200 }, env: { CAPSTAN_QUEUE_BYTES_MAX: "67108864" } },
    "bodyBytesMax is 209715200, and CAPSTAN_QUEUE_BYTES_MAX is 67108864: there could never be room for such a body. Set CAPSTAN_QUEUE_BYTES_MAX to 209715200 or more or leave it out, or set bodyBytesMax to 67108864 or less.",
  ],
] as const) {
  test(`refuses ${JSON.stringify(sources)} by setting, value and range`, () => {
    assert.throws(() => resolveSettings(sources), new SettingError(message))
  })
}

test("of two bounds on bodies, the one that was left out follows the other", () => {
  const bounds = (options: Settings) => {
    const { bodyBytesMax, queueBytesMax } = resolveSettings({ options })
    return [bodyBytesMax, queueBytesMax]
  }
  assert.deepEqual(bounds({}), [1_048_576, "auto"])
  assert.deepEqual(bounds({ bodyBytesMax: 209_715_200 }), [209_715_200, "auto"])
  assert.deepEqual(bounds({ queueBytesMax: 1000 }), [1000, 1000])
  assert.deepEqual(bounds({ queueBytesMax: 2_000_000 }), [1_048_576, 2_000_000])
  assert.deepEqual(bounds({ bodyBytesMax: 1000, queueBytesMax: 1000 }), [1000, 1000])
})
