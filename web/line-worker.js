/** Holds the one line to the server that all tabs of this browser share; see connection.js. */
import { openLine } from "./connection.js"

/** @type {Set<MessagePort>} */
const ports = new Set()

// It is named after the token.
const line = openLine(self.name, (told) => {
  for (const port of ports) port.postMessage(told)
})

addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports
  if (port === undefined) return
  ports.add(port)
  port.postMessage({ kind: line.isOpen() ? "opened" : "lost" })
  port.onmessage = ({ data }) => {
    if (data === "bye") ports.delete(port)
    else ports.add(port)
    if (data === "check") line.check()
  }
})
