/**
 * The commands in the documentation do what it says. Those that call a service are sent to it: the
 * service of the last TypeScript block above them that has one, or that of the example the document
 * is about. An answer that stands below them is what has to come. All other commands are in
 * `elsewhere`, with the place where they are tried.
 */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { accessSync, constants, copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { basename } from "node:path"
import { test } from "node:test"
import { promisify } from "node:util"
import sharp from "sharp"
import { type Server, serve } from "../../src/index.ts"
import { untestedEnv } from "../support/clean-env.ts"
import { TemporaryFolder } from "../support/cli.ts"
import { documents, withOwnPackages } from "../support/documents.ts"
import { commands, commandsOf, type Fence, fences } from "../support/markdown.ts"
import { patienceMs } from "../support/patience.ts"
import { without } from "../support/programs.ts"
import { files, read, root } from "../support/repository.ts"
import { isTypeScript, snippetFolder, writeSnippet } from "../support/snippets.ts"

/** Folders of the services of documents that show none. */
const services: Readonly<Record<string, string>> = {
  "README.md": "examples/prime-factor",
  "examples/prime-factor/README.md": "examples/prime-factor",
  "examples/thumbnail/README.md": "examples/thumbnail",
}

/** Where everything else that a reader might type is tried, or why it is not. */
const elsewhere: readonly (readonly [command: RegExp, where: string])[] = [
  [/^npm ci( && npm start)?$/, "whoever runs this has run npm ci; start.test.ts runs npm start"],
  [/^npm start$/, "test/examples/start.test.ts"],
  [/^npm cit$/, "this is part of it"],
  [/^(npm test|npm run check)$/, "this is part of it; in a new service: test/repo/package.test.ts"],
  [/^npm run (build|docs|format)$/, "what they write is compared with what is checked in"],
  [/^npm run screenshots$/, "by hand: a picture has to be looked at"],
  [/^npm run bench\b/, "takes minutes, and the machine for itself"],
  [/^npm run test:steady\b/, "test/repo/runner.test.ts"],
  [/^npm run test:oracle$/, "test/autoscale/agreement.test.ts, without the oracle"],
  [/^npm run (-s )?capstan -- /, "test/cli/ runs every command from source"],
  [
    /^cd \.\.\/(my-api|prime-factors) && npm install$/,
    "test/repo/package.test.ts, with the package",
  ],
  [/^npm run dev$/, "test/cli/dev.test.ts"],
  [/^npm (pack|run sbom)$/, "test/repo/package.test.ts"],
  [/^npm publish/, "what keeps it from it: test/repo/package.test.ts"],
  [/^npm audit signatures$/, "npm's own, and the package is not on its registry"],
  [/^capstan (new|dev|serve|openapi|up|status)\b/, "test/cli/"],
  [
    /^capstan (image|manifests|deploy|open|watch|down)\b/,
    "test/kubernetes/, and on a cluster test/cluster/",
  ],
  [/^capstan gke\b/, "test/kubernetes/gke-commands.test.ts, with a gcloud that plays along"],
  [/^capstan load\b/, "test/load/"],
  [
    /^npx capstan (dev|load http|up|status|image \S+ --eject|gke create .* --dry-run)\b/,
    "test/examples/tutorial.test.ts",
  ],
  [/^npx capstan (image|deploy|watch|load users\.ts|down)\b/, "test/cluster/tutorial.ts"],
  [/^npx capstan gke\b/, "test/kubernetes/gke-commands.test.ts, with a gcloud that plays along"],
  [
    /^(minikube (start |delete$)|podman rmi )/,
    "their own; ours with stand-ins: test/kubernetes/builders.test.ts",
  ],
  [/^npm run test:cluster$/, "on a cluster: .ci/run brings one up where it has one"],
  [/^npm run test:(attack|clients)$/, "by .ci/run"],
  [/^npm run test:gcloud$/, "by .ci/run, where there is a gcloud"],
  [/^npm run test:recipes$/, "by .ci/run"],
  [/^npm run test:recipes:cluster$/, "on a cluster: .ci/run brings one up where it has one"],
  [/^npm run recipes:memory$/, "takes minutes, and the machine for itself"],
  [
    /^npx capstan (serve|image|deploy) service\.ts$/,
    "by .ci/run: test/recipes/inference.ts, and on a cluster test/recipes/cluster.ts",
  ],
  [/^npx node --test /, "below"],
  [/^apt-get install /, ".ci/run"],
]

const isCall = (command: string) => /^(?:curl|echo) /.test(command)

const isOfCalls = ({ language, text }: Fence) => language === "sh" && commandsOf(text).every(isCall)

/** Runs a block of calls as a shell would, and says what it printed. */
async function call(
  script: string,
  server: Server,
  cwd: string,
  mayFail: boolean,
): Promise<string> {
  const aimed = script
    .replaceAll("http://127.0.0.1:8080", server.url)
    .replaceAll("http://127.0.0.1:9090", server.managementUrl)
  const options = mayFail ? "-sS" : "-sS --fail"
  const shell = `set -euo pipefail\ncurl() { command curl ${options} --max-time ${patienceMs() / 1000} "$@"; }\n${aimed}`
  const { stdout } = await promisify(execFile)("bash", ["-c", shell], { cwd })
  return stdout
}

/** With deadlines that no machine is too slow for: what is late is another matter. */
function patient(source: string): string {
  return source.replaceAll(/\bdeadlineMs: [\d_]+/g, `deadlineMs: ${patienceMs()}`)
}

/** A copy of an example's service that is {@link patient}, as its module. */
function copyOf(example: string, folder: string): string {
  const path = `${folder}/${basename(example)}`
  mkdirSync(path)
  for (const file of files(`${example}/*.ts`)) {
    writeFileSync(`${path}/${basename(file)}`, patient(read(file)))
  }
  for (const file of files(`${example}/*.jpg`)) {
    copyFileSync(`${root}${file}`, `${path}/${basename(file)}`)
  }
  return `${path}/service.ts`
}

/** An answer for comparing: how long something took is never the same. */
function comparable({ language, text }: Pick<Fence, "language" | "text">): unknown {
  const timeless = text.replaceAll(/\d+\.\d+(?:e-?\d+)?/g, "0.5").trim()
  return language === "json" ? JSON.parse(timeless) : timeless
}

async function checkCalls(document: string, markdown: string): Promise<void> {
  const blocks = fences(markdown)
  if (!blocks.some(isOfCalls)) return
  using snippets = snippetFolder()
  using cwd = new TemporaryFolder()
  await sharp({ create: { width: 1200, height: 800, channels: 3, background: "teal" } })
    .jpeg()
    .toFile(`${cwd.path}/photo.jpg`)

  await using stack = new AsyncDisposableStack()
  let server: Server | undefined
  const example = services[document]
  let module = example && copyOf(example, snippets.path)
  for (const [index, block] of blocks.entries()) {
    if (isTypeScript(block)) {
      const text = patient(block.text)
      const file = writeSnippet(snippets.path, document, { ...block, text })
      if (!block.text.includes("export default service(")) continue
      module = file
      server = undefined
    }
    if (!isOfCalls(block)) continue
    assert.ok(module !== undefined, `${document}:${block.line}: which service is called here?`)
    server ??= stack.use(
      await serve(module, {
        settings: {
          ...{ port: 0, managementPort: 0, logLevel: "silent", workers: 1, spareWorkers: 0 },
          // Else a call gets nothing, up to its deadline, while others want all of this machine.
          workerNice: 0,
        },
        env: {},
      }),
    )
    const next = blocks[index + 1]
    const expected = next?.language === "json" || next?.language === "text" ? next : undefined
    const printed = await call(block.text, server, cwd.path, expected !== undefined)
    if (expected === undefined) continue
    assert.deepEqual(
      comparable({ language: expected.language, text: printed }),
      comparable(expected),
      `${document}:${expected.line}`,
    )
  }
}

/** The commands that are neither calls nor tried elsewhere. */
function untried(markdown: string): string[] {
  return commands(markdown).filter(
    (command) => !isCall(command) && !elsewhere.some(([pattern]) => pattern.test(command)),
  )
}

for (const document of documents) {
  if (withOwnPackages.includes(document)) continue
  const calls = fences(read(document)).some(isOfCalls)
  const skip = calls && without("curl")
  test(`the calls in ${document} are answered as it says`, { skip }, async () => {
    await checkCalls(document, read(document))
  })
}

test("every other command in the documentation is tried somewhere", () => {
  for (const document of documents) assert.deepEqual(untried(read(document)), [], document)
  const all = documents.flatMap((document) => commands(read(document)))
  for (const [pattern] of elsewhere) {
    assert.ok(
      all.some((command) => pattern.test(command)),
      `no document has ${pattern}`,
    )
  }
})

test("these guards fire", { skip: without("curl") }, async () => {
  const ping = "```sh\ncurl http://127.0.0.1:8080/ping\n```\n"
  await checkCalls("README.md", `${ping}\`\`\`json\n{ "ping": "pong!" }\n\`\`\``)
  await assert.rejects(
    checkCalls("README.md", `${ping}\`\`\`json\n{ "ping": "pang" }\n\`\`\``),
    /pang/,
  )
  await assert.rejects(checkCalls("README.md", ping.replace("ping", "pang")), /404/)
  assert.deepEqual(
    untried("```sh\nrm -rf build # away with it\nnpm cit\n```\nor `npm run deploy`"),
    ["rm -rf build", "npm run deploy"],
  )
})

test("every npm script in the documentation exists", () => {
  const { scripts } = JSON.parse(read("package.json"))
  for (const document of documents) {
    for (const command of commands(read(document))) {
      const name = /^npm run (?:-s )?([\w:]+)/.exec(command)?.[1]
      if (name === undefined || name === "dev") continue
      assert.ok(name in scripts, `${document}: ${command}`)
    }
  }
})

test("the commands that run some of the tests do run some", async () => {
  const runs = commands(read("CONTRIBUTING.md")).filter((command) => command.startsWith("npx "))
  assert.ok(runs.length > 0)
  for (const command of runs) {
    const options = { cwd: root, env: untestedEnv() }
    const { stdout } = await promisify(execFile)("bash", ["-c", command], options)
    assert.match(stdout, /pass [1-9]/, command)
  }
})

test("the machine that checks runs the command of the README", async () => {
  accessSync(`${root}.ci/run`, constants.X_OK)
  await promisify(execFile)("bash", ["-n", `${root}.ci/run`])
  assert.match(read(".ci/run"), /\nnpm cit\n/)
})
