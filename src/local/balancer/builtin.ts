/**
 * Modules of Node's, without what importing them brings along: an `import` of a built-in module reads
 * all that it exports, and some exports load a library when they are read.
 */
export const http = process.getBuiltinModule("node:http")
export const net = process.getBuiltinModule("node:net")
export const { randomUUID } = process.getBuiltinModule("node:crypto")
