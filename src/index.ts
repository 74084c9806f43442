/** Capstan: define a service. Importing this does nothing. */
export {
  type Binary,
  type BinaryAnswer,
  bytes,
  type Form,
  file,
  multipart,
  optionalFile,
  type UploadedFile,
} from "./service/body.ts"
export type {
  Example,
  ExampleBinary,
  ExampleBytes,
  ExampleFile,
  ExampleForm,
} from "./service/example.ts"
export type { Issue } from "./service/issues.ts"
export {
  type Context,
  type Input,
  type Log,
  type Operation,
  type OperationConfig,
  type OwnWorkers,
  operation,
} from "./service/operation.ts"
export { isProblem, type Problem, type ProblemDetails, problem } from "./service/problem.ts"
export type { JsonSchema, Schema } from "./service/schema.ts"
export { serve } from "./service/serve.ts"
export type { ServeOptions, Server } from "./service/server.ts"
export { type Service, type ServiceConfig, service } from "./service/service.ts"
export type { Settings } from "./service/settings.ts"
