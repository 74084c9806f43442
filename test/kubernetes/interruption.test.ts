/** What a command leaves behind when it is told to stop: nothing that it has started or put aside. */
import assert from "node:assert/strict"
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { suite, test } from "node:test"
import { CliProcess, eventually, isRunning, TemporaryFolder } from "../support/cli.ts"
import { root } from "../support/repository.ts"
import { StandInCluster } from "../support/stand-in-cluster.ts"
import { StandInPrograms } from "../support/stand-in-programs.ts"

const module = `${root}examples/prime-factor/service.ts`

/** A builder that builds for ever, and the folder for temporary files of whoever calls it. */
class Endless implements Disposable {
  readonly #folder = new TemporaryFolder()
  readonly #pidFile = `${this.#folder.path}/pid`
  readonly #toldFile = `${this.#folder.path}/told`
  readonly tmp = `${this.#folder.path}/tmp`
  readonly #programs: StandInPrograms

  /** @param onTerm what it does when it is told to end. */
  constructor(onTerm: string) {
    mkdirSync(this.tmp)
    this.#programs = new StandInPrograms({
      docker: `if (args[0] === "build") {
  process.on("SIGTERM", () => { write(${JSON.stringify(this.#toldFile)}, "told"); ${onTerm} })
  setInterval(() => {}, 1000)
  write(${JSON.stringify(this.#pidFile)}, String(process.pid))
}`,
      kind: "",
    })
  }

  get env(): Readonly<Record<string, string>> {
    return { PATH: this.#programs.path, TMPDIR: this.tmp }
  }

  /** Waits until it builds. */
  async builds(): Promise<number> {
    return await eventually(() => {
      const text = existsSync(this.#pidFile) ? readFileSync(this.#pidFile, "utf8") : ""
      return text === "" ? undefined : Number(text)
    }, "the builder")
  }

  /** Waits until it has been told to end. */
  async isTold(): Promise<void> {
    await eventually(() => existsSync(this.#toldFile) || undefined, "the builder to be told")
  }

  [Symbol.dispose](): void {
    this.#programs[Symbol.dispose]()
    this.#folder[Symbol.dispose]()
  }
}

const fromSource = ["--conditions=capstan-source"]

suite("interrupted", { concurrency: 2 }, () => {
  test("image ends its builder, and leaves no files", async () => {
    using endless = new Endless("process.exit(1)")
    await using cli = new CliProcess(["image", module, "--no-check"], {
      node: fromSource,
      env: endless.env,
    })
    const pid = await endless.builds()
    assert.notDeepEqual(readdirSync(endless.tmp), [], "there is something to take away")
    cli.child.kill("SIGINT")
    assert.equal((await cli.ended).code, 130, cli.stderr)
    assert.match(cli.stderr, /capstan: Interrupted\.\n/)
    assert.equal(isRunning(pid), false)
    assert.deepEqual(readdirSync(endless.tmp), [])
  })

  test("a second signal does not wait for a builder that won't end, and leaves no files either", async () => {
    using endless = new Endless("")
    await using cli = new CliProcess(["image", module, "--no-check"], {
      node: fromSource,
      env: endless.env,
    })
    const pid = await endless.builds()
    try {
      cli.child.kill("SIGINT")
      // Two that are there at once can be heard in either order.
      await endless.isTold()
      cli.child.kill("SIGTERM")
      assert.equal((await cli.ended).code, 143, cli.stderr)
      assert.deepEqual(readdirSync(endless.tmp), [])
    } finally {
      process.kill(pid, "SIGKILL")
    }
  })

  test("deploy says that nothing was changed while it builds, and ends the builder", async () => {
    await using cluster = await StandInCluster.start("kind-dev")
    using endless = new Endless("process.exit(1)")
    const env = { KUBECONFIG: cluster.kubeconfig, ...endless.env }
    await using cli = new CliProcess(["deploy", module, "--no-check"], { node: fromSource, env })
    const pid = await endless.builds()
    cli.child.kill("SIGTERM")
    assert.equal((await cli.ended).code, 143, cli.stderr)
    assert.match(cli.stderr, /Interrupted\.\n +Nothing was changed\.\n$/)
    assert.equal(isRunning(pid), false)
    assert.deepEqual(readdirSync(endless.tmp), [])
    assert.deepEqual(cluster.applied, [])
  })

  test("deploy says what stays while it waits for the rollout", async () => {
    await using cluster = await StandInCluster.start()
    cluster.rolls = false
    const args = ["deploy", module, "--image", "127.0.0.1:9/a:1", "--name", "a"]
    const env = { KUBECONFIG: cluster.kubeconfig }
    await using cli = new CliProcess(args, { node: fromSource, env })
    await cli.output(/0 of 1 replicas serve the new version/)
    cli.child.kill("SIGHUP")
    assert.equal((await cli.ended).code, 129, cli.stderr)
    assert.match(cli.stderr, /has been applied stays.* capstan down a --namespace default\n$/)
  })

  test("down says how to go on when it is interrupted", async () => {
    await using cluster = await StandInCluster.start()
    cluster.add("Service", "a")
    cluster.add("Deployment", "a")
    cluster.stuck.add("Service")
    const env = { KUBECONFIG: cluster.kubeconfig }
    await using cli = new CliProcess(["down", "a"], { env })
    await eventually(() => cluster.deleted.find((each) => each === "Service/a"), "its deletion")
    cli.child.kill("SIGINT")
    assert.equal((await cli.ended).code, 130, cli.stderr)
    assert.match(cli.stderr, /the same command goes on from here\.\n$/)
  })
})
