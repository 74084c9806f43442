/**
 * What of the server has no part in starting workers, for {@link serve} to load while they boot. In one
 * file, because each that is loaded by itself splits a bundle into more pieces.
 */
export { createApi } from "./http/api.ts"
export { createManagement } from "./http/management.ts"
export { Metrics } from "./metrics.ts"
