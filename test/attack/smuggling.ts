/**
 * Requests within requests, sent to the server itself and through the balancer: whoever answers is
 * given no request that the front has not counted as one, and nobody gets another one's answer.
 *
 * Nothing waits for a time: what is sent on the same machine has been read when requests that were
 * sent after it have been answered. Those are another client's, so they tell also whether that one
 * still gets its own answers.
 */
import { eventually } from "../support/cli.ts"
import { RawClient } from "../support/raw-client.ts"
import { type Attack, shown, type Trial } from "./attack.ts"
import { answersIn, apiFront, balancerFront, type Front } from "./front.ts"
import { cut, mutated } from "./mutation.ts"
import { type Vector, vectors } from "./vectors.ts"

export const smuggling: Attack = {
  name: "smuggling",
  what: "requests that readers end at different bytes: none becomes two, and answers stay paired",
  async run(trial) {
    for (const open of [apiFront, balancerFront]) {
      for (const vector of vectors) {
        await judged(trial, open, vector, [vector.bytes])
        await judged(trial, open, vector, cut(vector.bytes, trial))
      }
      trial.tried(`vectors on ${open === apiFront ? "the server" : "the balancer"}`, vectors.length)
    }
  },
}

export const requests: Attack = {
  name: "requests",
  what: "requests that were changed by chance: whoever answers and who counts agree on each",
  async run(trial) {
    const endsAtMs = performance.now() + trial.seconds * 1000
    while (performance.now() < endsAtMs) {
      const open = trial.oneOf([apiFront, balancerFront])
      const bytes = mutated(trial.oneOf(vectors).bytes, morsels, trial)
      await judged(trial, open, { name: "a mutation", bytes, means: undefined }, cut(bytes, trial))
      trial.tried("mutations")
    }
  },
}

/** What makes a difference to readers of requests. */
const morsels = [
  ...["Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n", "Content-Length: 0\r\n"],
  ...["Expect: 100-continue\r\n", "Connection: close\r\n", "GET /inner HTTP/1.1\r\n"],
  ...["Host: x\r\n", "HTTP/1.0", "5\r\nhello\r\n"],
]

/** What is judged: without `means`, nothing is known of what it should be read as. */
type Judged = Pick<Vector, "name" | "bytes"> &
  Partial<Pick<Vector, "isSound">> & { readonly means: readonly string[] | undefined }

async function judged(
  trial: Trial,
  open: () => Promise<Front>,
  { name, bytes, means, isSound = false }: Judged,
  pieces: readonly string[],
): Promise<void> {
  await using front = await open()
  using victim = await RawClient.connect(front.port)
  using client = await RawClient.connect(front.port)
  for (const { socket } of [victim, client]) socket.setNoDelay()
  const found = (what: string): void =>
    trial.found(
      `${front.name}, ${name}: ${what}; sent ${shown(bytes)}, received ${shown(client.received)}`,
    )
  let asked = 0
  const ask = async (): Promise<void> => {
    asked += 1
    const before = victim.received.length
    victim.write("GET /victim HTTP/1.1", "Host: x", "", "")
    await victim.until((received) =>
      /\}\}|HTTP\/1\.1 [45]/.test(received.slice(before)) ? true : undefined,
    )
  }
  for (const piece of pieces) {
    client.socket.write(piece, "latin1")
    await ask()
  }
  if (isSound) {
    const wanted = means?.length ?? 0
    const isAnswered = (): true | undefined =>
      answersIn(client.received).length >= wanted || client.ended || undefined
    await eventually(isAnswered, `answers to ${shown(bytes)}`)
  }
  const others = () =>
    front
      .executed()
      .filter((request) => request !== "GET /victim")
      .map(normal)
  await untilSettled(ask, () => `${client.received.length} ${others().length}`)

  const executed = others()
  const answers = answersIn(client.received).map(normal)
  const meant = means?.map(normal)
  const isVictimsOwn = answersIn(victim.received)
  if (isVictimsOwn.length !== asked || isVictimsOwn.some((request) => request !== "GET /victim")) {
    found(`another client, which asked ${asked} times, was answered ${shown(victim.received)}`)
  }
  if (!isAmong(answers, executed)) found(`${answers} was answered, and ${executed} executed`)
  if (meant !== undefined && !isAmong(executed, meant)) {
    found(`${executed} was executed, and it is ${meant.join() || "no request"}`)
  }
  // Those that are sent one behind the other may be begun in any order, and are answered in theirs.
  if (meant !== undefined && !isInOrderOf(answers, meant)) {
    found(`${answers} was answered, and it is ${meant.join() || "no request"}`)
  }
  if (isSound && answers.length !== meant?.length) found(`it is sound, and was answered ${answers}`)
  for (const dispute of front.disputes()) found(dispute)
}

/** Until nothing changes any more while others are answered, round after round. */
async function untilSettled(ask: () => Promise<void>, state: () => string): Promise<void> {
  for (let same = 0, before = state(); same < 3; ) {
    await ask()
    const now = state()
    same = now === before ? same + 1 : 0
    before = now
  }
}

/** Without what the server leaves out when it looks for a route: it answers HEAD as GET. */
function normal(request: string): string {
  return request
    .replace(/^HEAD /, "GET ")
    .replace(/^(\S+ )https?:\/\/[^/]*/, "$1")
    .replace(/[?#].*$/, "")
}

/** As often as there at the most. */
function isAmong(list: readonly string[], whole: readonly string[]): boolean {
  const count = (of: readonly string[], one: string): number =>
    of.filter((each) => each === one).length
  return list.every((each) => count(list, each) <= count(whole, each))
}

function isInOrderOf(list: readonly string[], whole: readonly string[]): boolean {
  let at = -1
  return list.every((each) => {
    at = whole.indexOf(each, at + 1)
    return at !== -1
  })
}
