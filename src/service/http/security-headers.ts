/**
 * Headers on every response, after OWASP's REST Security Cheat Sheet: answers are data, so nothing
 * in them may be run, framed, sniffed or kept. They are few because they are sent with every
 * response. `Strict-Transport-Security` belongs to whoever terminates TLS.
 */
export const securityHeaders = Object.freeze({
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
})
