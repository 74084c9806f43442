/** The type of a request body, decided on before the body is read. */
import {
  type BodySpec,
  type BytesBody,
  charsetOf,
  type MultipartBody,
  mediaTypeMatches,
} from "../body.ts"
import { isSchema } from "../schema.ts"

/** What the bodies of an operation may be. */
export interface AcceptedTypes {
  /** For the `Accept` header of a refusal. */
  readonly mediaTypes: readonly string[]
  /** In words. */
  readonly shown: string
  /** It is read as JSON, so whatever is built on JSON will do (RFC 6839, section 3.1). */
  readonly isJson: boolean
}

export function acceptedTypes(spec: BodySpec): AcceptedTypes {
  if (isSchema(spec)) {
    const shown = "application/json or another application/*+json"
    return { mediaTypes: ["application/json"], shown, isJson: true }
  }
  const { kind } = spec as BytesBody | MultipartBody
  const mediaTypes = kind === "bytes" ? (spec as BytesBody).mediaTypes : ["multipart/form-data"]
  return { mediaTypes, shown: mediaTypes.join(" or "), isJson: false }
}

/** Without parameters, in lower case; undefined when there is none. */
export function mediaTypeOf(contentType: string | undefined): string | undefined {
  return contentType?.split(";", 1)[0]?.trim().toLowerCase()
}

/**
 * Whether a body of this `content-type` can be read. JSON is UTF-8 (RFC 8259), so a charset that
 * says otherwise is as unsupported as another type.
 */
export function isAcceptedType(
  contentType: string | undefined,
  { mediaTypes, isJson }: AcceptedTypes,
): boolean {
  if (isJson && contentType === "application/json") return true
  const mediaType = mediaTypeOf(contentType)
  if (mediaType === undefined) return false
  const fits = isJson
    ? jsonType.test(mediaType)
    : mediaTypes.some((range) => mediaTypeMatches(mediaType, range))
  if (!fits || !(isJson || mediaType === "application/json")) return fits
  const charset = charsetOf(contentType as string)
  return charset === undefined || charset === "utf-8"
}

const jsonType = /^application\/([^\s,/]+\+)?json$/
