/**
 * The pictures of docs/tutorial.md. The service and the load in them are the tutorial's own, taken
 * out of its text, and every command is the one that stands there, on the ports that a reader has.
 * The cluster's is taken where there is a cluster, with what `npm run test:cluster` wants.
 */
import { spawn } from "node:child_process"
import { on, once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Browser } from "playwright-core"
import { TestNamespace, testRegistry } from "../test/support/cluster.ts"
import { tutorialCommand, tutorialFolder, withValues } from "../test/support/tutorial.ts"

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url))
const runMsMax = 300_000

type Picture = (name: string) => string

/** @param picture says where the picture of a name belongs. */
export async function takeTutorial(browser: Browser, picture: Picture): Promise<void> {
  using folder = tutorialFolder()
  const start = (args: readonly string[]) => new Command(args, folder.path)
  await takeDev(browser, start, picture)
  await takeUp(browser, start, picture)
  if (process.env.TEST_REGISTRY !== undefined) await takeCluster(browser, start, picture)
}

type Start = (args: readonly string[]) => Command

async function takeDev(browser: Browser, start: Start, picture: Picture): Promise<void> {
  await using dev = start(tutorialCommand("dev"))
  const docsUrl = await dev.said(/documentation at (http:\S+?),/)
  await takeDocs(browser, docsUrl, picture("tutorial-docs"))
  await using load = start(tutorialCommand("load", "http://127.0.0.1:8080"))
  await takeRun(browser, await load.said(pageOfLoad), "Charts", picture("tutorial-load"))
}

async function takeUp(browser: Browser, start: Start, picture: Picture): Promise<void> {
  await using up = start(tutorialCommand("up"))
  const url = await up.said(/served at .*, live page at (http:\S+?),/)
  await takeRun(browser, url, "Target", picture("tutorial-up"))
}

async function takeCluster(browser: Browser, start: Start, picture: Picture): Promise<void> {
  await using space = await TestNamespace.make()
  const tag = `${testRegistry()}/${space.name}/prime-factors:1`
  const builder = process.env.TEST_BUILDER
  const place = [
    "--namespace",
    space.name,
    "--tag",
    tag,
    ...(builder ? ["--builder", builder] : []),
  ]
  await using deploy = start([...tutorialCommand("deploy"), ...place])
  const there = {
    "--host": await deploy.said(/^(http:\S+)$/),
    "--deployment": `${space.name}/prime-factors`,
  }
  await using load = start(withValues(tutorialCommand("load", "users.ts"), there))
  await takeRun(browser, await load.said(pageOfLoad), "Target", picture("tutorial-cluster"))
}

const pageOfLoad = /live page is at (http:\S+?)\. /

async function takeDocs(browser: Browser, url: string, path: string): Promise<void> {
  const width = 1000
  const page = await browser.newPage({
    viewport: { width, height: 2000 },
    deviceScaleFactor: 1.5,
  })
  await page.goto(url)
  const operation = page.locator(".opblock").first()
  await operation.locator(".opblock-summary-control").click()
  await operation.getByRole("button", { name: "Execute" }).click()
  const answer = operation.locator(".live-responses-table .highlight-code").first()
  await answer.getByText("largest").waitFor()
  // As a person would by its corner: it is made for more than three lines.
  await operation.locator("textarea").evaluate((area: { style: { minHeight: string } }) => {
    area.style.minHeight = "6em"
  })
  await page.mouse.move(0, 0)
  const end = await answer.boundingBox()
  if (end === null) throw new Error("The answer is not to be seen.")
  const height = Math.ceil(end.y + end.height + 16)
  await page.screenshot({ path, clip: { x: 0, y: 0, width, height }, animations: "disabled" })
  await page.close()
}

/** Presses Start, waits until the run is over, and takes one of its tabs. */
async function takeRun(browser: Browser, url: string, tab: string, path: string): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: 1320, height: 900 },
    deviceScaleFactor: 1.5,
  })
  await page.goto(url)
  await page.getByRole("button", { name: "Start" }).click()
  await page.locator("#status", { hasText: "over" }).waitFor({ timeout: runMsMax })
  await page.getByRole("tab", { name: tab }).click()
  await page.screenshot({ path, animations: "disabled" })
  await page.close()
}

/** A command of ours that goes on until it is disposed of. */
class Command implements AsyncDisposable {
  readonly #args: readonly string[]
  readonly #child
  readonly #lines

  constructor(args: readonly string[], cwd: string) {
    this.#args = args
    this.#child = spawn(process.execPath, ["--conditions=capstan-source", main, ...args], {
      cwd,
      stdio: ["ignore", "pipe", "inherit"],
    })
    this.#lines = createInterface({ input: this.#child.stdout })
  }

  /** Waits for a line that matches, and tells what its group has. */
  async said(pattern: RegExp): Promise<string> {
    for await (const [line] of on(this.#lines, "line", { close: ["close"] })) {
      const found = pattern.exec(line)?.[1]
      if (found !== undefined) return found
    }
    throw new Error(`capstan ${this.#args.join(" ")} has ended without saying ${pattern}.`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill("SIGINT")
    await once(this.#child, "exit")
  }
}
