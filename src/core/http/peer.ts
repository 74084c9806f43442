/**
 * Who is at the other end, where one party is to have no more than its share.
 *
 * It goes by address, the only thing that costs something to have more of. An IPv4 address is a peer.
 * Of IPv6 the first 64 bits are: that is what a network gives away at the least, and whoever has one
 * address of it may use them all. Link-local addresses are told apart, because they all begin alike.
 */
import type { Socket } from "node:net"

/** Of a socket that has gone, or has no address (a Unix domain socket). */
const unknownAddress = "unknown"

/** With a zone and a port. What proxies tell may be of any length. */
const addressLengthMax = 100

/** The address of a socket's other end; of IPv4 as IPv4, whatever kind the socket is. */
export function addressOf({ remoteAddress: address }: Pick<Socket, "remoteAddress">): string {
  if (address === undefined || address === "") return unknownAddress
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address
}

/**
 * The address of whoever sent a request that came through proxies, each of which has added to
 * `X-Forwarded-For` whom it had it from. Only what they have added counts: what is in front of that is
 * whatever the client has sent.
 * @param forwarded `X-Forwarded-For`; without it, the request did not come through them.
 * @param proxies how many there are, 1 or more.
 */
export function forwardedAddress(
  forwarded: string | undefined,
  proxies: number,
): string | undefined {
  let end = forwarded?.length ?? 0
  let address = ""
  for (let left = proxies; left > 0 && end > 0; left--) {
    const comma = forwarded!.lastIndexOf(",", end - 1)
    address = forwarded!.slice(comma + 1, end).trim()
    end = Math.max(0, comma)
  }
  return address === "" ? undefined : address
}

/**
 * The peer that an address is of, to be compared with others. An address that is none is its own.
 * @param address as {@link addressOf} or a proxy tells it: with a zone or a port, if it likes.
 */
export function peerOf(address: string): string {
  if (!address.includes(":") || address.length > addressLengthMax) return address
  const dotted = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/i.exec(address)
  if (dotted !== null) return dotted[1]!
  const bare = /^\[([^\]]*)\]/.exec(address)?.[1] ?? address
  const groups = groupsOf(bare)
  if (groups === undefined) return address
  if (isMapped(groups)) return dottedOf(groups[6]!, groups[7]!)
  if ((groups[0]! & 0xffc0) === 0xfe80) return bare.toLowerCase()
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(":")}::/64`
}

/** The eight numbers of an IPv6 address; `undefined` when it is none. */
function groupsOf(address: string): readonly number[] | undefined {
  const text = address.replace(/%.*$/, "").replace(/\d+\.\d+\.\d+\.\d+$/, hexOf)
  const halves = text.split("::")
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")))
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const all = [...head, ...Array<string>(missing).fill("0"), ...tail]
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return all.map((group) => Number.parseInt(group, 16))
}

function isMapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)
}

function hexOf(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number)
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

function dottedOf(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
