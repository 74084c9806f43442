/** The thumbnail function by itself: what it makes, and what it refuses. */
import assert from "node:assert/strict"
import { before, test } from "node:test"
import sharp from "sharp"
import {
  fits,
  formats,
  pixelsMax,
  prepareSharp,
  thumbnail,
} from "../../examples/thumbnail/thumbnail.ts"
import { isProblem } from "../../src/index.ts"
import { patienceMs } from "../support/patience.ts"
import { blackPng } from "../support/png.ts"

before(prepareSharp)

type Format = (typeof formats)[number]

async function picture(width: number, height: number, format: Format): Promise<Uint8Array> {
  const noise = { type: "gaussian", mean: 128, sigma: 30 } as const
  return await sharp({ create: { width, height, channels: 3, background: "red", noise } })
    .toFormat(format)
    .toBuffer()
}

const late = () => Date.now() + patienceMs()
const small = { width: 64, fit: "inside", format: "png" } as const

/** What the picture that comes out measures. */
async function check(
  [width, height]: readonly [number, number],
  wanted: Parameters<typeof thumbnail>[1],
  expected: readonly [number, number],
): Promise<void> {
  const made = await thumbnail(await picture(width, height, "png"), wanted, late())
  const { width: madeWidth, height: madeHeight } = await sharp(made.bytes).metadata()
  assert.deepEqual([madeWidth, madeHeight], expected, JSON.stringify(wanted))
}

async function refuses(image: Uint8Array, status: number, detail: RegExp): Promise<void> {
  await assert.rejects(thumbnail(image, small, late()), (thrown) => {
    assert.ok(isProblem(thrown), String(thrown))
    assert.equal(thrown.details.status, status)
    assert.match(thrown.message, detail)
    return true
  })
}

test("reads and writes each of its formats, in every combination", async () => {
  for (const from of formats) {
    const image = await picture(80, 60, from)
    for (const format of formats) {
      const made = await thumbnail(image, { ...small, width: 40, format }, late())
      assert.equal(made.mediaType, `image/${format}`)
      const { mediaType, width, height } = await sharp(made.bytes).metadata()
      assert.deepEqual(
        { mediaType, width, height },
        { mediaType: `image/${format}`, width: 40, height: 30 },
      )
    }
  }
})

test("fits the picture as asked", async () => {
  const both = { width: 40, height: 40, format: "png" } as const
  await check([80, 60], { width: 40, fit: "inside", format: "png" }, [40, 30])
  await check([80, 60], { height: 30, fit: "inside", format: "png" }, [40, 30])
  const expected = {
    inside: [40, 30],
    outside: [53, 40],
    cover: [40, 40],
    contain: [40, 40],
    fill: [40, 40],
  } as const
  for (const fit of fits) await check([80, 60], { ...both, fit }, expected[fit])
})

test("never blows a picture up when it has to fit inside", async () => {
  await check([20, 10], { width: 40, height: 40, fit: "inside", format: "png" }, [20, 10])
})

test("turns the picture upright and drops its metadata", async () => {
  const lying = await sharp(await picture(80, 60, "jpeg"))
    .withExif({ IFD0: { Copyright: "somebody" } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()
  const made = await sharp(
    (await thumbnail(lying, { ...small, width: 30 }, late())).bytes,
  ).metadata()
  assert.deepEqual([made.width, made.height], [30, 40])
  assert.equal(made.orientation, undefined)
  assert.equal(made.exif, undefined)
})

test("gives memory that can move to another thread", async () => {
  const { bytes } = await thumbnail(await picture(80, 60, "png"), small, late())
  assert.equal(bytes.byteLength, bytes.buffer.byteLength)
  assert.equal(structuredClone(bytes, { transfer: [bytes.buffer] }).byteLength > 0, true)
  assert.equal(bytes.byteLength, 0)
})

test("refuses a decompression bomb by its header, without unfolding it", async () => {
  const bomb = blackPng(30_000, 30_000)
  assert.ok(bomb.byteLength < 200_000, `the bomb has ${bomb.byteLength} bytes`)
  const before = process.memoryUsage.rss()
  await refuses(bomb, 413, /30000 × 30000 pixels/)
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20
  assert.ok(grown < 50, `memory grew by ${grown.toFixed(0)} MiB`)
})

test("takes a large picture that is just within the limit", async () => {
  const made = await thumbnail(blackPng(10_000, pixelsMax / 10_000), small, late())
  assert.equal((await sharp(made.bytes).metadata()).width, 64)
  await refuses(blackPng(10_000, pixelsMax / 10_000 + 1), 413, /10000 × 5001 pixels/)
})

test("refuses damaged pictures of every format as the client's mistake", async () => {
  for (const format of formats) {
    const image = await picture(300, 200, format)
    await refuses(image.subarray(0, image.byteLength / 2), 422, /can't be decoded/)
    await refuses(image.subarray(0, 20), 422, /can't be decoded/)
  }
  await refuses(new Uint8Array(0), 422, /can't be decoded/)
  await refuses(new TextEncoder().encode("no picture at all"), 422, /can't be decoded/)
})

test("has no decoder for anything but its four formats", async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
  await refuses(new TextEncoder().encode(svg), 422, /can't be decoded/)
  for (const format of ["gif", "tiff"] as const) {
    const image = await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
      .toFormat(format)
      .toBuffer()
    await refuses(image, 422, /can't be decoded/)
  }
})
