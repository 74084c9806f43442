/** Environments for processes that are to behave as if nobody tested them. */
import { dirname } from "node:path"

/**
 * Of somebody who has never heard of this repository: without what npm tells its scripts, without
 * the condition that makes `capstan` mean the source, and with the Node that runs the test in front.
 */
export function cleanEnv(): NodeJS.ProcessEnv {
  const told =
    /^(?:npm_(?:config_(?:local_prefix|node_options|prefix|global_prefix)|lifecycle|package|command|execpath|node_execpath).*|NODE_OPTIONS|NODE|INIT_CWD|CAPSTAN_.*)$/i
  const env = Object.entries(untestedEnv()).filter(([name]) => !told.test(name))
  return { ...Object.fromEntries(env), PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
}

/** This one's, but that tests which a process runs are its own and print as usual. */
export function untestedEnv(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return env
}
