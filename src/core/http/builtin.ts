/**
 * Modules of Node's, without what importing them brings along.
 *
 * An `import` of a built-in module reads all that it exports, and some exports load a library when
 * they are read: with node:http comes the WebSocket client of undici (40 ms and 15 MiB in each
 * thread), with node:crypto the whole of Web Crypto (7 ms and 5 MiB).
 */
export const http = process.getBuiltinModule("node:http")
export const net = process.getBuiltinModule("node:net")
export const { randomUUID } = process.getBuiltinModule("node:crypto")
