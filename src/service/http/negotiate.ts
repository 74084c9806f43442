/**
 * Content negotiation: the media type and the encoding of an answer. Clients send the same few
 * `Accept` headers over and over, so each is looked at once.
 */
import Negotiator from "negotiator"
import { mediaTypeMatches } from "../body.ts"
import type { Encoding } from "../outcome.ts"

/**
 * Which of `offered` a client prefers, the earlier where it does not care, undefined when it takes
 * none. `offered` may hold ranges (`image/*`): they fit when they overlap with what is accepted.
 */
export function mediaTypeChooser(
  offered: readonly string[],
): (accept: string | undefined) => string | undefined {
  const choose = remembered((accept) => {
    const negotiator = new Negotiator({ headers: { accept } })
    return (
      negotiator.mediaType([...offered]) ??
      offered.find(
        (range) =>
          range.endsWith("/*") &&
          negotiator.mediaTypes().some((accepted) => mediaTypeMatches(accepted, range)),
      )
    )
  })
  const [first] = offered
  // An empty header says as little as none.
  return (accept) => (accept === "*/*" || !accept ? first : choose(accept))
}

/** Its types are of a version that did not take the server's own preference yet. */
interface PreferringNegotiator {
  encoding(available: string[], options: { preferred: string[] }): string | undefined
}

/** Best first. */
const encodings: Encoding[] = ["zstd", "br", "gzip"]

/** The encoding that a client prefers, ours where it does not care, undefined for none. */
export const chooseEncoding: (acceptEncoding: string) => Encoding | undefined = remembered(
  (acceptEncoding) => {
    const negotiator: PreferringNegotiator = new Negotiator({
      headers: { "accept-encoding": acceptEncoding },
    })
    const chosen = negotiator.encoding([...encodings, "identity"], { preferred: encodings })
    return encodings.find((encoding) => encoding === chosen)
  },
)

const rememberedMax = 100
const rememberedLengthMax = 256

function remembered<Value>(find: (header: string) => Value): (header: string) => Value {
  const found = new Map<string, Value>()
  return (header) => {
    const known = found.get(header)
    if (known !== undefined || found.has(header)) return known as Value
    const value = find(header)
    // Whoever sends ever new headers pays for them himself.
    if (found.size < rememberedMax && header.length <= rememberedLengthMax) found.set(header, value)
    return value
  }
}
