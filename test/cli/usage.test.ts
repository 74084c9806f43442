import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { type AddressInfo, createServer } from "node:net"
import { suite, test } from "node:test"
import { runCli, serviceSource, TemporaryFolder } from "../support/cli.ts"

interface Expected {
  readonly code: 1 | 2
  readonly says: readonly RegExp[]
}

/** Every complaint goes to standard error, and standard output stays clean for pipes. */
async function refuses(args: readonly string[], expected: Expected, cwd?: string): Promise<void> {
  const { code, stdout, stderr } = await runCli(args, cwd === undefined ? {} : { cwd })
  for (const pattern of expected.says) assert.match(stderr, pattern)
  assert.equal(code, expected.code, stderr)
  assert.equal(stdout, "")
  assert.match(stderr, /^capstan: /)
  assert.doesNotMatch(stderr, /\n\s+at .*node:internal/, "no stack of Node's own")
}

// Each waits for one process after the other.
suite("what can't be understood", { concurrency: 2 }, () => {
  test("an unknown flag is answered with the one that was meant", async () => {
    await refuses(["serve", "service.ts", "--worker", "2"], {
      code: 2,
      says: [/unknown flag '--worker'/, /Did you mean --workers\?/, /capstan serve --help/],
    })
  })

  test("an unknown command is answered with the one that was meant", async () => {
    await refuses(["serv", "x"], {
      code: 2,
      says: [/unknown command 'serv'/, /Did you mean serve\?/],
    })
  })

  test("a module without a command is answered with the command", async () => {
    await refuses(["service.ts"], {
      code: 2,
      says: [/"service.ts" is not a command/, /capstan serve service.ts/],
    })
  })

  test("a command without its argument asks for it", async () => {
    await refuses(["serve"], { code: 2, says: [/Which service\?/] })
    await refuses(["new"], { code: 2, says: [/Give it a name/] })
  })

  test("one argument too many is refused", async () => {
    await refuses(["serve", "a.ts", "b.ts"], { code: 2, says: [/Expected 1 argument but got 2/] })
  })

  test("bounds that contradict each other are both named, from settings and operations alike", async () => {
    using folder = new TemporaryFolder()
    const accepts = 'path: "/version", body: bytes("*/*"), bodyBytesMax: 209715200,'
    const source = serviceSource("1").replace('method: "GET", path: "/version",', accepts)
    folder.write("service.mjs", source)
    const serve = ["serve", "service.mjs", "--port", "0", "--management-port", "0"]
    const held = ["--queue-bytes-max", "67108864"]
    await refuses(
      [...serve, ...held],
      { code: 2, says: [/"version" has bodyBytesMax 209715200, and queueBytesMax is 67108864: /] },
      folder.path,
    )
    await refuses(
      [...serve, ...held, "--body-bytes-max", "209715200"],
      { code: 2, says: [/--body-bytes-max is 209715200, and --queue-bytes-max is 67108864: /] },
      folder.path,
    )
  })

  test("a module that does not exist is answered with the one that does", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", "")
    folder.write("service.test.ts", "")
    await refuses(
      ["serve", "servise.ts"],
      { code: 2, says: [/There is no file servise\.ts\./, /Did you mean service\.ts\?/] },
      folder.path,
    )
  })

  test("a folder, and a file that is no module, are refused as MODULE", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", "")
    folder.write("notes.txt", "")
    const says = [/Did you mean service\.ts\?/]
    await refuses(["serve", "."], { code: 2, says: [/\. is a folder/, ...says] }, folder.path)
    await refuses(
      ["serve", "notes.txt"],
      { code: 2, says: [/notes\.txt is not a module/, ...says] },
      folder.path,
    )
  })

  test("a module without a service is told how to export one", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", "export const a = 1\n")
    for (const command of ["serve", "openapi"]) {
      await refuses(
        [command, "service.ts"],
        { code: 2, says: [/does not export a service/, /export default service\(/] },
        folder.path,
      )
    }
  })

  test("a syntax error is shown with its place and its line", async () => {
    using folder = new TemporaryFolder()
    folder.write("typed.ts", "const a: number = 1\nconst b: = 2\n")
    folder.write("plain.mjs", "const a = 1\n\nconst b = = 2\n")
    folder.write("outer.ts", 'import "./plain.mjs"\n')
    await refuses(
      ["serve", "typed.ts"],
      { code: 1, says: [/typed\.ts:2\n/, /const b: = 2\n/, /\^/, /SyntaxError/] },
      folder.path,
    )
    await refuses(
      ["openapi", "plain.mjs"],
      { code: 1, says: [/plain\.mjs:3\n/, /const b = = 2\n/, /SyntaxError/] },
      folder.path,
    )
    await refuses(["serve", "outer.ts"], { code: 1, says: [/SyntaxError/] }, folder.path)
  })

  test("TypeScript that needs compiling is told why it can't run", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", "enum Colour { Red }\n")
    await refuses(
      ["serve", "service.ts"],
      {
        code: 1,
        says: [/service\.ts:1\n/, /enum/, /erasableSyntaxOnly/, /NODE_OPTIONS=--import=tsx/],
      },
      folder.path,
    )
  })

  test("a missing package is told how to get it, a missing file how to write its import", async () => {
    using folder = new TemporaryFolder()
    folder.write("package.ts", 'import "left-pad-of-old"\n')
    folder.write("tsconfig.json", '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }')
    folder.write("other.ts", "export const b = 1\n")
    folder.write("file.ts", 'import { b } from "./other.js"\nconsole.log(b)\n')
    folder.write("type.ts", 'import { Nothing } from "./other.ts"\nconsole.log(Nothing)\n')
    await refuses(
      ["serve", "package.ts"],
      { code: 1, says: [/npm install left-pad-of-old\n/, /`paths`.*NODE_OPTIONS=--import=tsx/] },
      folder.path,
    )
    await refuses(
      ["serve", "file.ts"],
      { code: 1, says: [/with its extension: other\.ts/] },
      folder.path,
    )
    await refuses(
      ["serve", "type.ts"],
      { code: 1, says: [/type\.ts:1\n/, /import type/] },
      folder.path,
    )
  })

  test("a module that throws is shown with the line that threw", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", serviceSource("1", { before: 'throw new RangeError("no model")' }))
    await refuses(
      ["serve", "service.ts"],
      { code: 1, says: [/service\.ts:4\n/, /RangeError: no model/] },
      folder.path,
    )
  })

  test("a setting out of range is named with its value and range", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", serviceSource("1"))
    const says = [/--workers is "none"; it must be "auto" or a whole number from 1 to 1024/]
    for (const command of ["serve", "dev"]) {
      await refuses([command, "service.ts", "--workers", "none"], { code: 2, says }, folder.path)
    }
    const { code, stderr } = await runCli(["serve", "service.ts"], {
      cwd: folder.path,
      env: { CAPSTAN_WORKER: "2" },
    })
    assert.equal(code, 2)
    assert.match(stderr, /CAPSTAN_WORKER/)
  })

  test("a port in use is named with the flag and the variable that change it", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", serviceSource("1"))
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    const port = String((other.address() as AddressInfo).port)
    try {
      const api = ["--port", port, "--management-port", "0"]
      const management = ["--port", "0", "--management-port", port]
      const here = ["service.ts", "--host", "127.0.0.1"]
      const says = [new RegExp(`Port ${port} is in use`), /--port or CAPSTAN_PORT/]
      const saysManagement = [/--management-port or CAPSTAN_MANAGEMENT_PORT/]
      await refuses(["serve", ...here, ...api], { code: 1, says }, folder.path)
      await refuses(["dev", ...here, ...api], { code: 1, says }, folder.path)
      await refuses(["dev", ...here, ...management], { code: 1, says: saysManagement }, folder.path)
    } finally {
      other.close()
    }
  })

  test("both ports the same is a mistake of the command line", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", serviceSource("1"))
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    const port = String((other.address() as AddressInfo).port)
    other.close()
    await once(other, "close")
    await refuses(
      ["serve", "service.ts", "--port", port, "--management-port", port],
      { code: 2, says: [/--port and --management-port are both/] },
      folder.path,
    )
  })

  test("an old Node is told which one is needed", () => {
    using folder = new TemporaryFolder()
    // As published, and as an old Node would read it.
    const source = readFileSync(new URL("../../src/cli/main.ts", import.meta.url), "utf8")
    const main = folder.write("main.mjs", stripTypeScriptTypes(source))
    const old = "Object.defineProperty(process,'versions',{value:{node:'22.1.0'}})"
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", `data:text/javascript,${old}`, main, "--help"],
      { encoding: "utf8" },
    )
    assert.equal(status, 2)
    assert.equal(stdout, "")
    assert.equal(
      stderr,
      "capstan: Node 22.1.0 is too old; Capstan needs Node 24 or later, from https://nodejs.org or by a version manager (nvm install 24).\n",
    )
  })
})
