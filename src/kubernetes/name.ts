/**
 * Names that Kubernetes takes. A Service's is the strictest: a label of a domain name by RFC 1035, which
 * begins with a letter; everything else that Capstan makes is called the same. Kubernetes 1.36 lets go
 * of that, and clusters before it do not.
 *
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */
export const nameLengthMax = 63

export const nameRule = `lower-case letters, digits and -, beginning with a letter and ending with a letter or digit, ${nameLengthMax} at most`

export function isName(text: string): boolean {
  return text.length <= nameLengthMax && /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(text)
}

/** By RFC 1123, which lets a label begin with a digit. */
export const namespaceRule = `lower-case letters, digits and -, beginning and ending with a letter or digit, ${nameLengthMax} at most`

export function isNamespace(text: string): boolean {
  return text.length <= nameLengthMax && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text)
}

/** `Prime factors` → `prime-factors`; `service` when a title has nothing to offer. */
export function nameOf(title: string): string {
  const name = title
    .normalize("NFKD")
    // The dots and strokes that have just been taken off their letters.
    .replaceAll(/\p{Mark}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, nameLengthMax)
    .replace(/-+$/, "")
  return name === "" ? "service" : name
}

/** What is left of a text when a label's value has to be made of it. */
export function labelValue(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, nameLengthMax)
    .replace(/[^A-Za-z0-9]+$/, "")
}

/** Secrets, Gateways, Deployments and most other objects: parts like namespaces, with dots between them. */
export const objectRule =
  "lower-case letters, digits, - and ., each part beginning and ending with a letter or digit, 253 at most"

export function isObjectName(text: string): boolean {
  const part = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
  return text.length <= 253 && new RegExp(`^${part}(\\.${part})*$`).test(text)
}

/** A label's or annotation's name: `team`, `example.com/team`. */
export function isKey(text: string): boolean {
  const [name = "", prefix, ...more] = text.split("/").toReversed()
  const isPrefixed = prefix === undefined || isObjectName(prefix)
  return more.length === 0 && isPrefixed && labelValue(name) === name && name !== ""
}
