/**
 * What JSON would lose. `JSON.stringify` has no word for a Map and writes `{}`, writes `null` for NaN and
 * leaves out a function, all without a word; so a client would get less than `run` returned, and
 * nobody would know. Where that can have happened, the value is looked through, and what is lost is
 * a bug with the name of its field.
 *
 * What is as people expect of JSON stays so: a property that is undefined is left out, what has a
 * `toJSON` is written as that says, and an instance of a class as its own fields.
 */
import { types } from "node:util"
import { describe, isTyped, type Schema } from "./schema.ts"

/** What can't be written, and where. */
export interface Unwritable {
  readonly path: readonly (string | number)[]
  /** What it is and what to return instead: `a Map; return Object.fromEntries(map)`. */
  readonly what: string
}

/** An object that is being looked through. */
interface Frame {
  readonly object: Readonly<Record<string | number, unknown>>
  /** Of an array none: it is counted through. */
  readonly keys: readonly string[] | undefined
  readonly length: number
  /** Of the next one. */
  at: number
}

/**
 * The first thing in a value that JSON can't hold. It keeps its own stack: how deep a value is nested
 * is for `run` to choose.
 */
export function findUnwritable(value: unknown): Unwritable | undefined {
  const frames: Frame[] = []
  const open = new Set<unknown>()
  let key: string | number = ""
  let current = value
  for (;;) {
    const inList = frames.at(-1)?.keys === undefined && frames.length > 0
    const it = toJson(current, key)
    const what = open.has(it) ? "circular: it contains itself" : whyNot(it, inList, current)
    if (what !== undefined) return { path: frames.map(keyOf), what }
    if (typeof it === "object" && it !== null && !isPrimitive(it)) {
      const keys = Array.isArray(it) ? undefined : Object.keys(it)
      const object = it as Frame["object"]
      frames.push({ object, keys, length: keys?.length ?? (it as unknown[]).length, at: 0 })
      open.add(it)
    }
    let frame = frames.at(-1)
    while (frame !== undefined && frame.at === frame.length) {
      open.delete(frame.object)
      frames.pop()
      frame = frames.at(-1)
    }
    if (frame === undefined) return undefined
    key = frame.keys === undefined ? frame.at : (frame.keys[frame.at] as string)
    frame.at += 1
    current = frame.object[key]
  }
}

/** The key that a frame is at. */
function keyOf({ keys, at }: Frame): string | number {
  return keys === undefined ? at - 1 : (keys[at - 1] as string)
}

function toJson(value: unknown, key: string | number): unknown {
  if ((typeof value !== "object" || value === null) && typeof value !== "bigint") return value
  const { toJSON } = value as { readonly toJSON?: unknown }
  return typeof toJSON === "function" ? toJSON.call(value, String(key)) : value
}

/** Newer than TypeScript's library. */
const { isRawJSON: isRawJson } = JSON as unknown as { isRawJSON(value: object): boolean }

/** Objects that JSON writes as a string, a number or a boolean, or as they are. */
function isPrimitive(value: object): boolean {
  return types.isBoxedPrimitive(value) || isRawJson(value)
}

/** Why a value can't be written; `before` is what it was before its `toJSON`. */
function whyNot(value: unknown, inList: boolean, before: unknown): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : `${value}; return null and say so in the schema`
    case "bigint":
      return "a BigInt; return it as a string, or as a number where it is small enough"
    case "function":
      return "a function"
    case "symbol":
      return "a symbol"
    case "undefined":
      return inList ? "undefined, in a list; leave it out, or return null" : undefined
    case "object":
      if (value === null) return isInvalidDate(before) ? "a Date that is invalid" : undefined
      return whyNotObject(value)
    default:
      return undefined
  }
}

function isInvalidDate(value: unknown): boolean {
  return types.isDate(value) && Number.isNaN(value.getTime())
}

function whyNotObject(value: object): string | undefined {
  if (Array.isArray(value) || isPrimitive(value)) return undefined
  if (types.isMap(value)) return "a Map; return Object.fromEntries(map) or [...map]"
  if (types.isSet(value)) return "a Set; return [...set]"
  if (types.isPromise(value)) return "a Promise; await it"
  if (types.isNativeError(value)) return "an Error; return its message, or throw a problem()"
  if (types.isRegExp(value)) return "a RegExp; return its source"
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return `bytes (${nameOf(value)}); return them as base64, or make the output bytes()`
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null || Object.keys(value).length > 0) {
    return undefined
  }
  return `an instance of ${nameOf(value)} that has no fields for all to see; give it a toJSON(), or return an object`
}

function nameOf(value: object): string {
  const made: unknown = value.constructor
  return typeof made === "function" && made.name !== "" ? made.name : "a class"
}

const known = new WeakMap<Schema, boolean>()

/**
 * Whether JSON loses nothing of what this schema makes but what it writes as `null`: everything that it
 * lets through has a type of JSON's. Found out once.
 */
export function isOfJson(schema: Schema): boolean {
  let is = known.get(schema)
  if (is === undefined) {
    is = saysAll(schema)
    known.set(schema, is)
  }
  return is
}

/** A schema without a description of what comes out may let through anything. */
function saysAll(schema: Schema): boolean {
  try {
    return isTyped(describe(schema, "output", "it"), false)
  } catch {
    return false
  }
}
