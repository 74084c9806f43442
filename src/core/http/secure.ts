/**
 * Modules of Node's for TLS, as builtin.ts has others: apart from those, because loading them takes
 * 8 ms and most processes never speak TLS.
 */
export const https = process.getBuiltinModule("node:https")
export const tls = process.getBuiltinModule("node:tls")
