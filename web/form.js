/** The form for a new run, and for changing the one that runs. */
import { duration } from "./format.js"

/** @import { Form } from "../src/load/page/events.ts" */

const form = /** @type {HTMLFormElement} */ (document.getElementById("form"))
const field = (/** @type {string} */ name) =>
  /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name))
const model = () => new FormData(form).get("model")

for (const radio of form.querySelectorAll('[name="model"]')) {
  radio.addEventListener("change", showFields)
}

/** @param {Form} wanted @param {boolean} isEdit */
export function fillForm(wanted, isEdit) {
  const chosen =
    wanted.stages !== undefined ? "stages" : wanted.rate !== undefined ? "rate" : "users"
  for (const radio of form.querySelectorAll('[name="model"]')) {
    const input = /** @type {HTMLInputElement} */ (radio)
    input.checked = input.value === chosen
  }
  const users = wanted.users ?? 10
  field("users").value = String(users)
  field("spawnRate").value = String(wanted.spawnRate ?? users)
  field("rate").value = String(wanted.rate ?? 50)
  field("arrivals").value = wanted.arrivals ?? "even"
  field("stages").value = wanted.stages ?? ""
  field("target").value = wanted.target
  field("runTime").value = wanted.runTimeMs === undefined ? "" : duration(wanted.runTimeMs)
  const segments = /** @type {HTMLElement} */ (document.getElementById("model"))
  segments.hidden = isEdit
  for (const element of form.querySelectorAll("[data-new]")) {
    const label = /** @type {HTMLElement} */ (element)
    label.hidden = isEdit
  }
  showFields()
}

/** Only the fields of the chosen model. */
function showFields() {
  const chosen = model()
  for (const element of form.querySelectorAll("[data-model]")) {
    const label = /** @type {HTMLElement} */ (element)
    label.hidden = label.dataset.model !== chosen
  }
}

/** What is to be sent. Empty fields are left out, so that the default holds. */
export function readForm() {
  const number = (/** @type {string} */ name) =>
    field(name).value === "" ? undefined : Number(field(name).value)
  const text = (/** @type {string} */ name) => field(name).value.trim() || undefined
  const chosen = model()
  return {
    target: text("target"),
    runTime: text("runTime"),
    ...(chosen === "users" ? { users: number("users"), spawnRate: number("spawnRate") } : {}),
    ...(chosen === "rate" ? { rate: number("rate"), arrivals: text("arrivals") } : {}),
    ...(chosen === "stages" ? { stages: text("stages") ?? "" } : {}),
  }
}
