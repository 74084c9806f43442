/** What others have written can't steer a terminal, however it is put together. */
import assert from "node:assert/strict"
import { test } from "node:test"
import {
  printable,
  printableLine,
  printableStyled,
  withoutLogins,
  withoutSequences,
} from "../../src/core/printable.ts"

/** What a terminal takes for more than a letter, but for ends of lines and tabs. */
const steering = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u

const hostile = [
  "\x1b]0;a title\x07",
  "\x1b\x1b[0m[2J",
  "\x1b[\x1b[1m2J",
  "\x1b[1;\x1b[22m31m",
  "\x1b[8mhidden",
  "\x9b2J and \x9d0;a title\x9c",
  "\u202egnihtemos",
  "over\rwritten",
  "\b\b\b\x7f",
]

const ours = ["\x1b[1m", "\x1b[22m"]

test("nothing of it is left that steers, in lines or in one", () => {
  for (const text of hostile) {
    assert.doesNotMatch(printable(text), steering, JSON.stringify(text))
    assert.doesNotMatch(printableLine(`${text}\n\t`), /[\p{Cc}\u202e]/u, JSON.stringify(text))
    const bare = ours.reduce((left, style) => left.replaceAll(style, ""), printableStyled(text))
    assert.doesNotMatch(bare, steering, JSON.stringify(text))
  }
})

test("letters of all languages, ends of lines and tabs are as they were", () => {
  const text = "Grüße,\tмир 🌍 שלום\nمرحبا 👩‍💻\n"
  assert.equal(printable(text), text)
  assert.equal(printable("one\r\ntwo\rthree"), "one\ntwo\nthree")
})

test("styles are let through where they are ours, and nowhere else", () => {
  const styled = "\x1b[31m\x1b[1mred\x1b[22m\x1b[39m plain"
  assert.equal(printableStyled(styled), styled)
  assert.equal(printable("\x1b[31mred"), "\ufffd[31mred")
})

test("logins of URLs are left out, whatever is in them, and nothing else is", () => {
  for (const [text, shown] of [
    ["at http://user:secret@host/x?y=1, and ftp://u@h", "at http://…@host/x?y=1, and ftp://…@h"],
    ["http://user:se@cr:et@host", "http://…@host"],
    ["http://host/a@b and someone@example.com", "http://host/a@b and someone@example.com"],
    ['{"a":"http://h","b":"c@d"}', '{"a":"http://h","b":"c@d"}'],
  ] as const) {
    assert.equal(withoutLogins(text), shown)
  }
})

test("of what is written for a terminal the words are left", () => {
  for (const [text, words] of [
    ["\x1b[1;31mred\x1b[0m and \x1b]8;;http://h\x1b\\a link\x1b]8;;\x07.", "red and a link."],
    ["\x1b(Bplain\x1b7\x1b8", "plain"],
    ["cut \x1b[38;5;1", "cut "],
    ["cut \x1b]0;title", "cut "],
    ["\x1b\x1b[1mbold", "bold"],
  ] as const) {
    assert.equal(withoutSequences(text), words)
  }
})
