/** What `npm test` prints: Node's own report, and a failure where no test ran, which Node lets pass. */
import { Readable } from "node:stream"
import { spec, type TestEvent } from "node:test/reporters"

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let tests = 0
  async function* counted(): AsyncGenerator<TestEvent> {
    for await (const event of events) {
      if (event.type === "test:summary") tests = event.data.counts.tests
      yield event
    }
  }
  yield* Readable.from(counted()).pipe(new spec())
  if (tests > 0) return
  process.exitCode = 1
  yield "No test ran. Node looks for them in files that are called like service.test.ts.\n"
}
