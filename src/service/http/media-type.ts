/** The type of a request body, decided on before the body is read. */
import { type BytesBody, type MultipartBody, mediaTypeMatches } from "../body.ts"
import type { BodySpec } from "../operation.ts"
import { isSchema } from "../schema.ts"

/** The media types that a body may have. */
export function acceptedTypes(spec: BodySpec): readonly string[] {
  if (isSchema(spec)) return ["application/json"]
  const { kind } = spec as BytesBody | MultipartBody
  return kind === "bytes" ? (spec as BytesBody).mediaTypes : ["multipart/form-data"]
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
  accepted: readonly string[],
): boolean {
  if (contentType === "application/json" && accepted[0] === "application/json") return true
  const mediaType = mediaTypeOf(contentType)
  if (mediaType === undefined) return false
  if (!accepted.some((range) => mediaTypeMatches(mediaType, range))) return false
  if (mediaType !== "application/json") return true
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType as string)?.[1]
  return charset === undefined || /^utf-?8$/i.test(charset)
}
