/**
 * The bill of materials of an image (CycloneDX 1.5): the packages whose code is in the bundle, those that
 * lie beside it whole, and the base. It lies in the image, for whoever looks for a package that has turned
 * out to be vulnerable, and has neither a time nor a number: the same input is the same image.
 */
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fullName } from "./dockerfile.ts"
import { type Manifest, manifestIn, packageFolder, packageOf } from "./package-folder.ts"

const billFile = "sbom.cdx.json"

/** Of what is in an image. */
export interface BillSource {
  readonly name: string
  readonly version: string
  readonly base: string
  /** What `import "capstan"` means. */
  readonly capstan: string
}

/** A component, as far as the format is used here. */
interface Component {
  readonly "bom-ref": string
  readonly type: "application" | "container" | "library"
  readonly name: string
  readonly version?: string
  readonly purl?: string
  readonly licenses?: readonly (
    | { readonly expression: string }
    | { readonly license: { readonly name: string } }
  )[]
  readonly properties?: readonly { readonly name: string; readonly value: string }[]
}

/**
 * Writes the bill of what has been written into `folder`.
 * @param modules the files whose code is in the bundle.
 */
export function writeBill(source: BillSource, modules: readonly string[], folder: string): void {
  const { name, version, base, capstan } = source
  const own = packageFolder(capstan, "capstan") ?? dirname(capstan)
  const bundled = new Set([own])
  for (const module of modules) {
    const found = packageOf(module)
    if (found !== undefined) bundled.add(found.folder)
  }
  const whole = packagesBelow(join(folder, "node_modules"))
  const components = new Map<string, Component>()
  for (const [place, folders] of [
    ["bundle", [...bundled]],
    ["beside", whole],
  ] as const) {
    for (const each of folders) {
      const component = componentOf(manifestIn(each), place)
      components.set(`${component["bom-ref"]} ${place}`, component)
    }
  }
  const packages = Array.from(components.keys().toArray().toSorted(), (key) => components.get(key)!)
  const image = fullName(base)
  const bill = {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        "bom-ref": `${name}@${version}`,
        type: "application",
        name,
        version,
      } satisfies Component,
    },
    components: [
      { "bom-ref": image, type: "container", name: image } satisfies Component,
      ...packages,
    ],
  }
  writeFileSync(join(folder, billFile), `${JSON.stringify(bill, null, 2)}\n`)
}

/** @param place where it is: in the `bundle`, or `beside` it. */
function componentOf(manifest: Manifest, place: "bundle" | "beside"): Component {
  const { name = "", version, license } = manifest
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`
  return {
    "bom-ref": `${purl}#${place}`,
    type: "library",
    name,
    version,
    purl,
    ...(typeof license === "string" ? { licenses: [licenceOf(license)] } : {}),
    properties: [{ name: "capstan:place", value: place }],
  }
}

/** What npm has there is an expression of SPDX, or one of two things that are none. */
function licenceOf(license: string): NonNullable<Component["licenses"]>[number] {
  return /^(UNLICENSED|SEE LICENSE)/.test(license)
    ? { license: { name: license } }
    : { expression: license }
}

/** The folders of packages in a node_modules, and in those of its packages. */
function packagesBelow(modules: string): readonly string[] {
  if (!existsSync(modules)) return []
  return readdirSync(modules).flatMap((entry) => {
    if (entry.startsWith(".")) return []
    const folder = join(modules, entry)
    if (entry.startsWith("@")) return packagesBelow(folder)
    if (!existsSync(join(folder, "package.json"))) return []
    return [folder, ...packagesBelow(join(folder, "node_modules"))]
  })
}
