/** Builders, minikube and kind as stand-ins that write down how they are called. */
import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { after, test } from "node:test"
import type { Failure } from "../../src/cli/failure.ts"
import { baseChecked, ownPlatform } from "../../src/cli/image-build.ts"
import { nodeIn, nodeMajorMin, nodeOf } from "../../src/kubernetes/image/base.ts"
import { type Built, buildImage, findBuilder } from "../../src/kubernetes/image/builder.ts"
import type { Platform } from "../../src/kubernetes/image/native.ts"
import { ProgramError } from "../../src/kubernetes/image/run.ts"
import { loadedName, loadImage, pushImage } from "../../src/kubernetes/image/transport.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { read, root } from "../support/repository.ts"
import { type Behaviours, StandInPrograms } from "../support/stand-in-programs.ts"

const id = `sha256:${"ab".repeat(32)}`
const digest = `sha256:${"cd".repeat(32)}`

const builds = `if (args[0] === "build") write(after("--iidfile"), "${id}\\n")`
const docker = `${builds}
if (args[0] === "image") console.log("other@sha256:0\\n" + args.at(-1).replace(/:[^:]*$/, "") + "@${digest}")
if (args[2] === "inspect") console.log('{"digest":"${digest}"}')`
const podman = `${builds}
if (args.includes("--digestfile")) write(after("--digestfile"), "${digest}")
if (args[1] === "rm") process.exitCode = 1`

/** With these programs and no others in PATH. */
async function standIns<T>(
  behaviours: Behaviours,
  use: (programs: StandInPrograms) => Promise<T>,
): Promise<T> {
  using programs = new StandInPrograms(behaviours)
  const before = process.env.PATH
  process.env.PATH = programs.path
  try {
    return await use(programs)
  } finally {
    process.env.PATH = before
  }
}

const both = new Map<Platform, string>([
  ["linux/amd64", "/one"],
  ["linux/arm64", "/two"],
])
const single = new Map<Platform, string>([["linux/arm64", "/two"]])
const tag = "registry.example:5000/a:1"

const folder = new TemporaryFolder()
after(() => folder[Symbol.dispose]())
const { signal } = new AbortController()
const place = { folder: folder.path, signal }

/** Without what is a path of the moment. */
function steady(calls: readonly (readonly string[])[]): string[] {
  return calls.map((call) => call.join(" ").replaceAll(`${folder.path}/`, ""))
}

test("the first builder that works is taken: docker's client without its daemon does not", async () => {
  const dead = { docker: "process.exitCode = 1", podman: "" }
  assert.equal(await standIns(dead, () => findBuilder(signal)), "podman")
  assert.equal(await standIns({}, () => findBuilder(signal)), undefined)
  assert.equal(
    await standIns({ docker: "", buildah: "" }, () => findBuilder(signal, ["buildah"])),
    "buildah",
  )
})

test("docker builds and pushes; its digest is the one of the name that was pushed", async () => {
  await standIns({ docker }, async (programs) => {
    const built = await buildImage(
      { builder: "docker", tag, format: "oci", folders: single },
      place,
    )
    assert.deepEqual(built.parts, [{ platform: "linux/arm64", tag, id }])
    assert.equal(await pushImage(built, place), `registry.example:5000/a@${digest}`)
    const [build, ...rest] = steady(programs.calls)
    const flags = `--tag ${tag} --platform linux/arm64 --iidfile linux-arm64.id`
    assert.equal(build, `docker build ${flags} /two`)
    assert.deepEqual(rest[0], `docker push --quiet ${tag}`)
  })
})

test("docker makes one image of several in the registry, by their digests", async () => {
  await standIns({ docker }, async (programs) => {
    const built = await buildImage({ builder: "docker", tag, format: "oci", folders: both }, place)
    assert.deepEqual(
      built.parts.map((part) => part.tag),
      [`${tag}-amd64`, `${tag}-arm64`],
    )
    assert.equal(await pushImage(built, place), `registry.example:5000/a@${digest}`)
    const name = `registry.example:5000/a@${digest}`
    const create = `docker buildx imagetools create --tag ${tag} ${name} ${name}`
    assert.ok(steady(programs.calls).includes(create))
  })
})

for (const builder of ["podman", "buildah"] as const) {
  test(`${builder} keeps several as one, and pushes all of them`, async () => {
    await standIns({ [builder]: podman }, async (programs) => {
      const built = await buildImage({ builder, tag, format: "docker", folders: both }, place)
      assert.equal(await pushImage(built, place), `registry.example:5000/a@${digest}`)
      const [amd, arm, remove, untag, ...rest] = steady(programs.calls)
      const build = `${builder} build --timestamp 0 --format docker --tag`
      assert.equal(
        amd,
        `${build} ${tag}-amd64 --platform linux/amd64 --iidfile linux-amd64.id /one`,
      )
      assert.equal(
        arm,
        `${build} ${tag}-arm64 --platform linux/arm64 --iidfile linux-arm64.id /two`,
      )
      // What was called that before may have been an index or an image.
      assert.deepEqual([remove, untag], [`${builder} manifest rm ${tag}`, `${builder} rmi ${tag}`])
      assert.deepEqual(rest, [
        `${builder} manifest create ${tag}`,
        `${builder} manifest add ${tag} containers-storage:${tag}-amd64`,
        `${builder} manifest add ${tag} containers-storage:${tag}-arm64`,
        `${builder} manifest push --all --digestfile digest ${tag} docker://${tag}`,
      ])
    })
  })
}

test("a registry on this machine is spoken to in plain http, as docker does by itself", async () => {
  await standIns({ buildah: podman }, async (programs) => {
    const here = "localhost:5000/a:1"
    const built: Built = {
      builder: "buildah",
      tag: here,
      parts: [{ platform: "linux/amd64", tag: here, id }],
    }
    await pushImage(built, place)
    assert.deepEqual(steady(programs.calls), [
      `buildah push --tls-verify=false --digestfile digest ${here}`,
    ])
  })
})

test("into minikube and kind goes an archive, under a name that changes with the content", async () => {
  const part = { platform: "linux/amd64", tag: "a:1", id } as const
  const built = (builder: Built["builder"]): Built => ({ builder, tag: "a:1", parts: [part] })
  const name = "docker.io/library/a:abababababab"
  assert.equal(loadedName(built("docker")), name)
  const programs = { docker, podman, minikube: "", kind: "" }
  await standIns(programs, async (called) => {
    assert.equal(
      await loadImage(built("docker"), { kind: "minikube", profile: "mine" }, place),
      name,
    )
    assert.deepEqual(steady(called.calls), [
      `docker tag a:1 ${name}`,
      `docker save --output image.tar ${name}`,
      "minikube image load --profile mine image.tar",
    ])
  })
  await standIns(programs, async (called) => {
    assert.equal(await loadImage(built("podman"), { kind: "kind", cluster: "dev" }, place), name)
    assert.deepEqual(steady(called.calls), [
      `podman push a:1 docker-archive:image.tar:${name}`,
      "kind load image-archive --name dev image.tar",
    ])
  })
})

test("docker tells of its own registry by short names, and a digest is found all the same", async () => {
  const short = `${builds}
if (args[0] === "image") console.log(args.includes("docker.io/me/a:1") ? "me/a@${digest}" : "other@${digest}")`
  await standIns({ docker: short }, async () => {
    const push = async (tag: string) =>
      pushImage(
        await buildImage({ builder: "docker", tag, format: "oci", folders: single }, place),
        place,
      )
    assert.equal(await push("docker.io/me/a:1"), `docker.io/me/a@${digest}`)
    // Not by its tag: what is pushed under that later would be taken for the same.
    await assert.rejects(push("docker.io/me/b:1"), ProgramError)
  })
})

test("what a builder says when it fails is kept", async () => {
  await standIns({ docker: 'console.error("no space left"); process.exitCode = 1' }, async () => {
    const failed = buildImage({ builder: "docker", tag, format: "oci", folders: single }, place)
    await assert.rejects(failed, (error) => {
      assert.ok(error instanceof ProgramError)
      assert.match(error.output, /no space left/)
      return true
    })
  })
})

test("capstan image builds with docker and prints the name by digest", async () => {
  using programs = new StandInPrograms({ docker })
  using tmp = new TemporaryFolder()
  const { code, stdout, stderr } = await runCli(
    ["image", `${root}examples/prime-factor/service.ts`, "--tag", tag, "--push", "--no-check"],
    { node: ["--conditions=capstan-source"], env: { PATH: programs.path, TMPDIR: tmp.path } },
  )
  assert.equal(code, 0, stderr)
  assert.equal(stdout, `registry.example:5000/a@${digest}\n`)
  assert.deepEqual(
    programs.calls.map(([, command]) => command),
    ["version", "build", "push", "image"],
  )
  assert.deepEqual(readdirSync(tmp.path), [])
})

test("an image is asked for its Node, and where it can't be run, its variables are", () => {
  const asked = (code: number | null, output: string, variables = "") =>
    nodeOf({ ran: { code, output }, variables })
  assert.equal(JSON.parse(read("package.json")).engines.node, `>=${nodeMajorMin}`)
  assert.deepEqual(asked(0, "== CUDA ==\nv24.1.0\n"), { kind: "good", version: "24.1.0" })
  assert.deepEqual(asked(0, "v22.20.0\n"), { kind: "old", version: "22.20.0" })
  // What it says itself goes over what it was told.
  const old = "[PATH=/bin NODE_VERSION=20.1.0]"
  assert.equal(asked(0, "v26.0.0\n", old).kind, "good")
  assert.deepEqual(asked(127, "node: not found\n"), { kind: "none", said: "node: not found" })
  assert.equal(asked(1, "libstdc++.so.6: cannot open shared object file").kind, "none")
  // The builder is who could not.
  for (const code of [125, 126, null]) {
    assert.deepEqual(asked(code, "no runtime", old), { kind: "old", version: "20.1.0" })
    assert.deepEqual(asked(code, "no runtime", "[PATH=/bin]"), { kind: "unknown" })
  }
  assert.deepEqual(asked(126, "", "[NODE_VERSION=26]"), { kind: "good", version: "26" })
  assert.deepEqual(nodeOf({ ran: undefined, variables: "" }), { kind: "unknown" })
})

test("an image of another platform, or by buildah, is not run", async () => {
  const variables = "console.log('[NODE_VERSION=26.1.0]')"
  await standIns({ docker: variables, buildah: variables }, async (programs) => {
    const good = { kind: "good", version: "26.1.0" }
    assert.deepEqual(await nodeIn("docker", id, false, signal), good)
    assert.deepEqual(await nodeIn("buildah", id, true, signal), good)
    assert.deepEqual(
      programs.calls.filter(([, command]) => command === "run"),
      [],
    )
  })
})

const answering = (ran: string): Behaviours => ({
  docker: `${builds}\nif (args[0] === "run") { ${ran} }`,
})

test("a base with an old Node is no image that is done", async () => {
  const module = `${root}examples/prime-factor/service.ts`
  using programs = new StandInPrograms(answering('console.log("v20.1.0")'))
  const { code, stderr } = await runCli(
    ["image", module, "--base", "node:20-slim", "--builder", "docker", "--push"],
    { env: { PATH: programs.path }, node: ["--conditions=capstan-source"] },
  )
  assert.equal(code, 1, stderr)
  assert.match(
    stderr,
    /The base node:20-slim has Node 20\.1\.0, and the service needs Node 24 or later\.\n.*--base/,
  )
  assert.doesNotMatch(stderr, /pushes/)
})

test("neither is a base without any", async () => {
  const ran = 'console.error("exec: node: not found"); process.exitCode = 127'
  await standIns(answering(ran), async () => {
    const parts = [{ platform: ownPlatform, tag, id }]
    const checked = baseChecked("debian:13-slim", { builder: "docker", tag, parts }, signal)
    await assert.rejects(checked, ({ message, hint = "", exitCode }: Failure) => {
      assert.match(message, /^The base debian:13-slim can't start Node: /)
      assert.match(hint, /^exec: node: not found\n.*--base/)
      return exitCode === 1
    })
  })
})
