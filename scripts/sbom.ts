/**
 * Writes the package's bill of materials, CycloneDX, into `dist/`: `node scripts/sbom.ts`. It is npm's
 * own, of what the lock file installs for users, and so of what the tests have run with.
 *
 * npm's `--omit dev` leaves out what users get, too, where somebody else needs it for development
 * (npm 11.19: `ajv`, which Fastify brings); so we leave out what npm has marked instead.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

interface Component {
  readonly "bom-ref": string
  readonly name: string
  readonly properties: readonly { readonly name: string; readonly value: string }[]
}

interface Bill {
  readonly serialNumber: string
  readonly metadata: { readonly timestamp: string; readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly Need[]
}

interface Need {
  readonly ref: string
  readonly dependsOn: readonly string[]
}

const root = fileURLToPath(new URL("../", import.meta.url))
const manifest: { readonly name: string; readonly dependencies: Readonly<Record<string, string>> } =
  JSON.parse(readFileSync(`${root}package.json`, "utf8"))
const { serialNumber, metadata, ...bill }: Bill = JSON.parse(
  execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  }),
)
const { timestamp, component, ...made } = metadata

const components = bill.components.filter(
  ({ properties }) => !properties.some(({ name }) => name === "cdx:npm:package:development"),
)
const names = new Map(components.map((each) => [each["bom-ref"], each.name]))
const dependencies = bill.dependencies
  .filter(({ ref }) => ref === component["bom-ref"] || names.has(ref))
  .map(({ ref, dependsOn }): Need => {
    const isOurs = ref === component["bom-ref"]
    const isNeeded = (each: string): boolean =>
      names.has(each) && (!isOurs || names.get(each)! in manifest.dependencies)
    return { ref, dependsOn: dependsOn.filter(isNeeded) }
  })

// npm takes the folder's name for the package's. Time and number are left out, which the format
// allows: the same source is the same package.
const written = {
  ...bill,
  metadata: { ...made, component: { ...component, name: manifest.name } },
  components,
  dependencies,
}
writeFileSync(`${root}dist/sbom.cdx.json`, `${JSON.stringify(written, null, 2)}\n`)
