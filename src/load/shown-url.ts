/** A URL as it may be shown, stored and mailed: without the login that may stand in it. */
export function shownUrl(url: URL): string {
  const shown = new URL(url)
  shown.username = ""
  shown.password = ""
  return shown.href
}
