import assert from "node:assert/strict"
import { mkdirSync } from "node:fs"
import { test } from "node:test"
import { configuredStages } from "../../src/cli/config-file.ts"
import { stagesOf } from "../../src/kubernetes/config/stages.ts"
import { resolveImage } from "../../src/kubernetes/image/options.ts"
import { defineConfig } from "../../src/kubernetes/index.ts"
import { resolveDeployment } from "../../src/kubernetes/manifests/options.ts"
import { flag } from "../../src/service/settings.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { root } from "../support/repository.ts"

const facts = { name: "a", version: "1", deadlineMsMax: 1000 }

const config = defineConfig({
  image: { tag: "registry.example/a:1", external: ["jsdom"] },
  deployment: {
    cpu: "250m",
    env: { LOG: "info", DATABASE_URL: { secret: "database", key: "url" } },
    envFrom: ["configmap/tuning"],
  },
  environments: {
    production: {
      image: { platform: ["linux/amd64", "linux/arm64"] },
      deployment: { minReplicas: 3, env: { LOG: "warn" }, envFrom: ["secret/keys"] },
    },
    staging: { deployment: { minReplicas: 1 } },
  },
})

function resolved(environment: string | undefined, flags: Record<string, unknown> = {}) {
  const stages = stagesOf(config, environment, "capstan.config.ts")
  return {
    image: resolveImage(stages.map((stage) => stage.image)),
    deployment: resolveDeployment(facts, [
      ...stages.map((stage) => stage.deployment),
      { values: flags, spelt: flag },
    ]),
  }
}

test("an environment goes over the file, flags over both, and the rest is the table's", () => {
  const { deployment } = resolved("production")
  const { cpu, minReplicas, maxReplicas, env } = deployment
  assert.deepEqual([cpu, minReplicas, maxReplicas], ["250m", 3, 10])
  assert.deepEqual(env, { LOG: "warn", DATABASE_URL: { secret: "database", key: "url" } })
  assert.deepEqual(
    deployment.envFrom.map(({ kind, name }) => `${kind}/${name}`),
    ["configmap/tuning", "secret/keys"],
  )
  assert.equal(resolved(undefined).deployment.minReplicas, 2)
  assert.equal(resolved("production", { minReplicas: 5 }).deployment.minReplicas, 5)
})

test("volumes, nodes and the init container add up over environments, and flags go over both", () => {
  const models = defineConfig({
    deployment: {
      volumes: { "/models": "emptydir/1Gi", "/etc/tuning": "configmap/tuning" },
      init: { image: "fetch:1", args: ["small"], env: { FROM: "here" } },
      tolerations: ["a"],
    },
    environments: {
      production: {
        deployment: {
          volumes: { "/models": "claim/models:ro" },
          init: { args: ["large"], env: { TOKEN: { secret: "hub", key: "token" } } },
          nodeSelector: { disk: "ssd" },
          resources: { "nvidia.com/gpu": 1 },
          tolerations: ["b"],
        },
      },
    },
  })
  const stages = stagesOf(models, "production", "c.ts").map((stage) => stage.deployment)
  const flags = {
    values: {},
    init: { image: "fetch:2" },
    nodeSelector: { disk: "hdd" },
    spelt: flag,
  }
  const { volumes, init, nodeSelector, resources, tolerations } = resolveDeployment(facts, [
    ...stages,
    flags,
  ])
  assert.deepEqual(volumes, [
    { path: "/models", kind: "claim", of: "models", readOnly: true },
    { path: "/etc/tuning", kind: "configmap", of: "tuning", readOnly: false },
  ])
  assert.deepEqual(init, {
    image: "fetch:2",
    command: undefined,
    args: ["large"],
    env: { FROM: "here", TOKEN: { secret: "hub", key: "token" } },
    mounts: ["/models", "/etc/tuning"],
  })
  assert.deepEqual(nodeSelector, { disk: "hdd" })
  assert.deepEqual(resources, { "nvidia.com/gpu": 1 })
  assert.deepEqual(
    tolerations.map(({ key }) => key),
    ["a", "b"],
  )
})

test("the image is configured in the same place", () => {
  const { tag, platform, external, base } = resolved("production").image
  assert.deepEqual(
    [tag, platform, external, base],
    ["registry.example/a:1", ["linux/amd64", "linux/arm64"], ["jsdom"], "node:26-slim"],
  )
})

test("what the file may not say is told with file, key and what may stand there", () => {
  const refuses = (value: unknown, says: RegExp, environment?: string): void => {
    assert.throws(() => {
      for (const { deployment, image } of stagesOf(value, environment, "c.ts")) {
        resolveDeployment(facts, [deployment])
        resolveImage([image])
      }
    }, says)
  }
  refuses("text", /c\.ts: config is "text"; it must be an object/)
  refuses(
    { deploiment: {} },
    /c\.ts: config has no option "deploiment"\. Did you mean deployment\?/,
  )
  refuses({ deployment: { volumes: { "/m": {} } } }, /volumes\.\/m is \{\}; it must be a text/)
  refuses(
    { deployment: { volumes: { "/m": "disk" } } },
    /c\.ts: deployment\.volumes \/m is "disk"; it must be emptydir\/SIZE/,
  )
  refuses(
    { deployment: { init: { comand: ["a"] } } },
    /c\.ts: deployment\.init has no option "comand"\. Did you mean command\?/,
  )
  refuses(
    { deployment: { init: { command: "node a.js" } } },
    /deployment\.init\.command is "node a\.js"; it must be a list of words/,
  )
  refuses(
    { deployment: { init: { image: "a b" } } },
    /c\.ts: deployment\.init\.image is "a b"; it must be the name of an image/,
  )
  refuses({ deployment: { init: { image: 1 } } }, /deployment\.init\.image is 1; .* a text/)
  refuses(
    { deployment: { init: { command: ["a"], mounts: ["/m"] } } },
    /deployment\.init\.mounts is "\/m", and no volume is mounted there/,
  )
  refuses(
    { deployment: { resources: { "nvidia.com/gpu": "1" } } },
    /deployment\.resources nvidia\.com\/gpu is "1"; it must be a whole number/,
  )
  refuses({ deployment: { tolerations: [1] } }, /tolerations is \[1\]; it must be a list like/)
  refuses(
    { deployment: { minReplica: 1 } },
    /c\.ts: deployment has no option "minReplica"\. Did you mean minReplicas\?/,
  )
  refuses({ deployment: { zzz: 1 } }, /deployment has no option "zzz"\. There are name, context/)
  refuses(
    { deployment: { minReplicas: "2" } },
    /c\.ts: deployment\.minReplicas is "2"; .*whole number/,
  )
  refuses(
    { deployment: { env: { A: 1 } } },
    /c\.ts: deployment\.env\.A is a number; it must be a text, \{ secret/,
  )
  refuses({ deployment: { env: { A: { secret: "x" } } } }, /env\.A is \{ secret \}; it must be/)
  refuses({ deployment: { envFrom: "secret/a" } }, /envFrom is "secret\/a"; it must be a list/)
  refuses({ deployment: { labels: { a: 1 } } }, /labels\.a is 1; it must be a text/)
  refuses(
    { image: { platform: ["sparc"] } },
    /c\.ts: image\.platform is \["sparc"\]; .*linux\/amd64/,
  )
  refuses({ image: { platform: "linux/amd64" } }, /image\.platform is "linux\/amd64"; .*a list of/)
  // Whichever is asked for.
  const mistaken = { environments: { production: { deployment: { cpus: "1" } } } }
  refuses(mistaken, /c\.ts: environments\.production\.deployment has no option "cpus".*cpu/)
  const wrong = { environments: { production: { deployment: { cpu: "many" } } } }
  refuses(wrong, /c\.ts: environments\.production\.deployment\.cpu is "many"/, "production")
  refuses({ environments: { live: {} } }, /c\.ts has no environment prod; it has live/, "prod")
  refuses({}, /c\.ts has no environments, so there is no prod/, "prod")
  const grace = { deployment: { env: { CAPSTAN_DRAIN_GRACE_MS: { secret: "a", key: "b" } } } }
  refuses(grace, /CAPSTAN_DRAIN_GRACE_MS: it has to be said here, not by reference/)
})

test("an editor knows what may stand there, and what may not", () => {
  // @ts-expect-error there is no such option
  defineConfig({ deployment: { minReplica: 2 } })
  // @ts-expect-error it is a number
  defineConfig({ deployment: { minReplicas: "2" } })
  // @ts-expect-error it is one of three
  defineConfig({ environments: { production: { deployment: { expose: "Ingress" } } } })
  // @ts-expect-error not of those
  const given = defineConfig({ image: { platform: ["linux/sparc"] } })
  assert.deepEqual(given, { image: { platform: ["linux/sparc"] } })
})

test("the nearest file counts, up to the folder of the package", async () => {
  using folder = new TemporaryFolder()
  folder.write("package.json", "{}")
  const below = `${folder.path}/src/deep`
  mkdirSync(below, { recursive: true })
  assert.deepEqual(await configuredStages({}, below), [])
  folder.write("capstan.config.mjs", 'export const config = { deployment: { cpu: "1" } }\n')
  const [stage] = await configuredStages({}, below)
  assert.equal(stage?.deployment.values.cpu, "1")
})

test("a file that can't be read is told by line, and one that exports nothing by what it should", async () => {
  using folder = new TemporaryFolder()
  const refuses = async (text: string, says: RegExp): Promise<void> => {
    const config = folder.write(`${Math.random()}.ts`, text)
    await assert.rejects(configuredStages({ config }, "/"), (error: Error & { hint?: string }) => {
      assert.match(`${error.message}\n${error.hint}`, says)
      return true
    })
  }
  await refuses("export const config = {\n  deployment: {,\n}\n", /can't be read\.\n.*\.ts:2\n/)
  await refuses("export const config = { a: nothing }\n", /ReferenceError: nothing is not defined/)
  await refuses("export default {}\n", /exports no `config`\.\nIt has a default export/)
  await refuses("export const conf = {}\n", /exports no `config`\.\nWrite in it: {2}export const/)
  await assert.rejects(configuredStages({ config: "no.ts" }, "/"), /There is no file no\.ts/)
  const environment = { environment: "production" }
  await assert.rejects(
    configuredStages(environment, folder.path),
    /no capstan\.config\.ts that would/,
  )
})

test("manifests read the file beside the module, by its name from the package", async () => {
  using folder = new TemporaryFolder()
  const config = folder.write(
    "capstan.config.ts",
    `import { defineConfig } from ${JSON.stringify(`${root}src/kubernetes/index.ts`)}
export const config = defineConfig({
  deployment: { image: "registry.example/a:1", namespace: "shop" },
  environments: { production: { deployment: { minReplicas: 7, env: { A: "b" } } } },
})
`,
  )
  const { code, stdout, stderr } = await runCli(
    [
      ...["manifests", `${root}examples/prime-factor/service.ts`, "--config", config],
      ...["--environment", "production", "--max-replicas", "9"],
    ],
    { node: ["--conditions=capstan-source"] },
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /image: registry\.example\/a:1/)
  assert.match(stdout, /namespace: shop/)
  assert.match(stdout, /minReplicas: 7\n {2}maxReplicas: 9/)
  assert.match(stdout, /name: A\n +value: b/)
})
