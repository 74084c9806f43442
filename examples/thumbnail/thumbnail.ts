/**
 * Makes a small picture of a large one, from bytes that nobody should trust: they may be truncated,
 * of another format than they say, or a few kilobytes that unfold to gigabytes of pixels.
 */
import { type Binary, problem } from "capstan"
import sharp from "sharp"

export const formats = ["png", "jpeg", "webp", "avif"] as const
export const fits = ["inside", "cover", "contain", "fill", "outside"] as const

export interface Wanted {
  /** In pixels. When only one of the two is given, the other follows from the picture's shape. */
  readonly width?: number | undefined
  readonly height?: number | undefined
  readonly fit: (typeof fits)[number]
  readonly format: (typeof formats)[number]
}

/** 50 megapixels: beyond any phone's camera, and 200 MB when unfolded at once. */
export const pixelsMax = 50_000_000

/**
 * Sets up libvips for a pool. It holds for the whole process, so doing it in each worker does no harm.
 * - One thread for a picture: the workers are the parallelism. More would have the workers' pictures
 *   compete with each other, and the main thread with all of them.
 * - No cache: each request brings a new picture, so it would only hold memory.
 * - Only the decoders of the four formats. libvips reads many more, SVG and PDF among them, and
 *   a decoder that is not there can't be attacked.
 */
export function prepareSharp(): void {
  sharp.concurrency(1)
  sharp.cache(false)
  sharp.block({ operation: ["VipsForeignLoad"] })
  sharp.unblock({
    operation: ["Png", "Jpeg", "Webp", "Heif"].map((name) => `VipsForeignLoad${name}Buffer`),
  })
}

/**
 * The picture, upright, without its metadata (a phone's photo tells where it was taken), the first
 * frame of an animation.
 * @throws {Problem} 413 when it has more than {@link pixelsMax} pixels, 422 when it can't be decoded.
 */
export async function thumbnail(
  image: Uint8Array,
  { width, height, fit, format }: Wanted,
  deadlineAtMs: number,
): Promise<Binary> {
  // Reads the header only; it is what keeps the bomb folded.
  const header = await decoded(() => sharp(image, { limitInputPixels: false }).metadata())
  const pixels = header.width * header.height
  if (pixels > pixelsMax) {
    throw problem(
      413,
      `The picture has ${header.width} × ${header.height} pixels; ${pixelsMax} in all are the most that is accepted.`,
    )
  }
  const { data } = await decoded(() =>
    sharp(image, { limitInputPixels: pixelsMax, autoOrient: true })
      .resize({ width, height, fit, withoutEnlargement: fit === "inside" })
      .toFormat(format)
      // sharp computes on threads of its own, which no signal stops. Its clock knows whole seconds.
      .timeout({ seconds: Math.max(1, Math.ceil((deadlineAtMs - Date.now()) / 1000)) })
      // toBuffer() would give memory that can't move to another thread and has to be copied.
      .toUint8Array(),
  )
  return { bytes: data as Uint8Array<ArrayBuffer>, mediaType: `image/${format}` }
}

/** What sharp throws here is about the picture: everything else that it was given has been checked. */
async function decoded<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read()
  } catch (cause) {
    const [reason] = (cause as Error).message.split("\n")
    throw problem(422, "The picture can't be decoded: it is damaged, cut off, or not a picture.", {
      reason,
    })
  }
}
