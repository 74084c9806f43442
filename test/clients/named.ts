/**
 * A service of schemas that have names, and of what else generators of clients have trouble with.
 */
import { operation, service } from "capstan"
import * as z from "zod"

const Colour = z.enum(["red", "green"]).meta({ id: "Colour" })
const Point = z.object({ x: z.number(), colour: Colour }).meta({ id: "Point" })
const Tree = z
  .object({
    point: Point,
    get children() {
      return z.array(Tree)
    },
  })
  .meta({ id: "Tree" })

const move = operation({
  path: "/move",
  body: z.object({ point: Point, by: z.number() }),
  output: Point,
  run: ({ body: { point, by } }) => ({ ...point, x: point.x + by }),
})

const mirror = operation({
  path: "/mirror",
  body: Tree,
  output: Tree,
  run: ({ body }) => mirrored(body),
})

function mirrored({ point, children }: z.infer<typeof Tree>): z.infer<typeof Tree> {
  return { point: { ...point, x: -point.x }, children: children.map(mirrored) }
}

const pair = operation({
  path: "/pair",
  body: z.tuple([z.number(), Point]),
  output: z.tuple([Point, z.number()]),
  run: ({ body: [n, point] }): [z.infer<typeof Point>, number] => [point, n],
})

const find = operation({
  method: "GET",
  path: "/points/{colour}",
  params: z.object({ colour: Colour }),
  query: z.object({ also: z.array(Colour).default([]) }),
  output: z.array(Point),
  run: ({ path, query }) => [path.colour, ...query.also].map((colour, x) => ({ x, colour })),
})

export default service({
  title: "Named",
  version: "1.0.0",
  operations: { move, mirror, pair, find },
})
