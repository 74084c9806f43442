import { equal } from "node:assert/strict"
import { test } from "node:test"
import { answersIn, mark } from "../attack/front.ts"

test("an answer's mark says which request it is for, whatever is in the path", () => {
  for (const path of ["/outer", "/oute}", "/}}{{", "/a b", "/\xff", ""]) {
    const received = `HTTP/1.1 200 OK\r\n\r\n"${mark(`POST ${path}`)}"${mark("GET /inner")}`
    equal(answersIn(received).join(" | "), `POST ${path} | GET /inner`)
  }
})
