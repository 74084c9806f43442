/**
 * The live page. The server tells the whole state on connecting and at every change of it, and a
 * snapshot each second between; the page draws what it was told and keeps nothing of its own. So a
 * reload in mid-run, a sleeping laptop and ten tabs are all the same case.
 */
import { Chart, loadPictures, onZoom, repaintCharts, setZoom, targetPictures } from "./charts.js"
import { showFigures } from "./figures.js"
import { fillForm, readForm } from "./form.js"
import { clock } from "./format.js"
import { showFailures, showStatistics } from "./tables.js"
import { tabs } from "./tabs.js"
import { theme } from "./theme.js"

/** @import { PageEvent, PageState, RunState } from "../src/load/page/session.ts" */
/** @import { Point } from "../src/load/history.ts" */

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
const token = document.querySelector('meta[name="capstan-token"]')?.getAttribute("content") ?? ""

/** @type {PageState | undefined} */
let state
/** @type {Point[]} */
let points = []
/** Of the run that the charts show. */
let shownRun = 0
/** @type {Chart[]} */
let loadCharts = []
/** @type {Chart[]} */
let targetCharts = []
/** What the form is open for. @type {"new" | "edit" | undefined} */
let form
let tab = "charts"

theme(at("theme"), repaintCharts)
tabs(/** @type {HTMLElement} */ (document.querySelector(".tabs")), (shown) => {
  tab = shown
  draw()
})

const unzoom = document.createElement("button")
unzoom.type = "button"
unzoom.className = "unzoom"
unzoom.textContent = "Show everything"
unzoom.hidden = true
unzoom.addEventListener("click", () => setZoom(undefined))
at("panel-charts").append(unzoom)
onZoom((isZoomed) => {
  unzoom.hidden = !isZoomed
})

const events = new EventSource("events")
events.onmessage = ({ data }) => {
  /** @type {PageEvent} */
  const event = JSON.parse(data)
  if (event.kind === "state") takeState(event.state)
  else if (state?.run) {
    state = { ...state, run: { ...state.run, snapshot: event.snapshot } }
    // As the server's history does: the rest of a second at a run's end is no point.
    if (event.snapshot.point.elapsedMs - (points.at(-1)?.elapsedMs ?? 0) >= 500) {
      points.push(event.snapshot.point)
    }
    draw()
  }
}
events.onopen = () => trouble(undefined)
events.onerror = () => {
  status("disconnected")
  trouble("The connection to capstan load is lost. The page goes on when it is back.")
}

at("stop").addEventListener("click", () => send("stop", {}))
at("new").addEventListener("click", () => openForm("new"))
at("edit").addEventListener("click", () => openForm("edit"))
at("cancel").addEventListener("click", () => openForm(undefined))
at("form").addEventListener("submit", async (event) => {
  event.preventDefault()
  const isEdit = form === "edit"
  const { target, runTime, ...offer } = readForm()
  const error = await send(
    isEdit ? "change" : "start",
    isEdit ? offer : { target, runTime, ...offer },
  )
  at("form-error").hidden = error === undefined
  at("form-error").textContent = error ?? ""
  if (error === undefined) openForm(undefined)
})

/** @param {PageState} told */
function takeState(told) {
  const wasRunning = state?.status === "running"
  state = told
  points = [...(told.run?.history ?? [])]
  if (told.run !== null && told.run.startedAtMs !== shownRun) {
    shownRun = told.run.startedAtMs
    for (const chart of [...loadCharts, ...targetCharts]) chart.remove()
    for (const figure of document.querySelectorAll("figure")) figure.remove()
    setZoom(undefined)
    const isOpen = told.run.model === "open"
    loadCharts = loadPictures(isOpen).map((picture) => new Chart(at("panel-charts"), picture))
    targetCharts = targetPictures.map((picture) => new Chart(at("target-charts"), picture))
  }
  // An edit that was open when the run ended has nothing left to change.
  if (form === "edit" && wasRunning && told.status !== "running") form = undefined
  if (told.status === "idle" && form === undefined) openForm("new")
  else draw()
}

/** @param {"new" | "edit" | undefined} wanted */
function openForm(wanted) {
  form = wanted
  if (wanted !== undefined && state !== undefined) {
    const { users = 0 } = state.run?.snapshot?.point ?? {}
    const isEdit = wanted === "edit"
    const values =
      isEdit && state.form.stages !== undefined
        ? state.run?.model === "open"
          ? { ...state.form, stages: undefined, rate: state.run.snapshot?.point.offered ?? 1 }
          : { ...state.form, stages: undefined, users }
        : state.form
    fillForm(/** @type {PageState["form"]} */ (values), isEdit)
    at("start-title").textContent = isEdit ? "Change the load" : "New run"
    at("start-scenario").textContent = isEdit
      ? "From now on, without stopping."
      : `What is sent: ${state.scenario}.`
    at("go").textContent = isEdit ? "Change" : "Start"
    at("cancel").hidden = state.status === "idle"
    at("form-error").hidden = true
  }
  draw()
  if (wanted !== undefined) {
    at("start").scrollIntoView({ block: "nearest" })
    const first = /** @type {HTMLElement | undefined} */ (
      [...at("form").querySelectorAll(".fields label:not([hidden]) input")][0]
    )
    first?.focus()
  }
}

function draw() {
  if (state === undefined) return
  const { run } = state
  status(state.status)
  const isRunning = state.status === "running"
  at("stop").hidden = !isRunning
  at("edit").hidden = !isRunning
  at("new").hidden = state.status !== "over" || form !== undefined
  at("start").hidden = form === undefined
  at("run").hidden = run === null
  const go = /** @type {HTMLButtonElement} */ (at("go"))
  go.disabled = state.status === "starting" || state.status === "stopping"
  document.title = isRunning ? `● ${run?.target} – Capstan load` : "Capstan load"
  if (run === null) {
    at("target").textContent = state.form.target
    return
  }
  at("target").textContent = run.target
  at("offered").textContent = run.offered
  drawClock(run)
  drawRun(run)
}

/** @param {RunState} run */
function drawClock(run) {
  const elapsedMs = run.snapshot?.elapsedMs ?? 0
  at("clock").hidden = false
  at("elapsed").textContent = clock(elapsedMs / 1000)
  at("runtime").textContent = run.runTimeMs === null ? "" : `of ${clock(run.runTimeMs / 1000)}`
  const progress = /** @type {HTMLProgressElement} */ (at("progress"))
  progress.hidden = run.runTimeMs === null
  progress.value = run.runTimeMs === null ? 0 : Math.min(1, elapsedMs / run.runTimeMs)
}

/** @param {RunState} run */
function drawRun(run) {
  const { snapshot } = run
  const isOpen = run.model === "open"
  const failures = snapshot?.failures ?? []
  showFigures(at("kpis"), points, isOpen, state?.status === "over" ? snapshot : null)
  const limit = snapshot?.generator.limit ?? null
  at("limit").hidden = limit === null
  at("limit").textContent = limit
  at("failure-count").hidden = failures.length === 0
  at("failure-count").textContent = String(failures.length)
  drawVerdicts(run)
  switch (tab) {
    case "charts":
      for (const chart of loadCharts) chart.show(points)
      break
    case "statistics":
      showStatistics(/** @type {HTMLTableElement} */ (at("statistics")), snapshot)
      at("model-note").textContent = isOpen
        ? "Times count from when a request was due, so that a stalled target can't hide behind requests that were not sent."
        : "Times count from when a request was sent. Users wait for their answers, so a stalled target holds requests back; a rate does not."
      at("notes").replaceChildren(
        ...run.notes.map((note) =>
          Object.assign(document.createElement("li"), { textContent: note }),
        ),
      )
      break
    case "failures":
      showFailures(/** @type {HTMLTableElement} */ (at("failures")), failures)
      at("no-failures").hidden = failures.length > 0
      break
    case "target":
      drawTarget(run)
      break
    default:
  }
}

/** @param {RunState} run */
function drawVerdicts({ verdicts }) {
  at("verdicts").hidden = verdicts.length === 0
  at("verdicts").replaceChildren(
    ...verdicts.map(({ threshold, measured, kept }) => {
      const item = document.createElement("li")
      item.dataset.kept = String(kept)
      item.textContent = `${kept ? "✓ kept" : "✗ crossed"}: ${threshold} (${measured})`
      return item
    }),
  )
}

/** @param {RunState} run */
function drawTarget({ source }) {
  at("target-charts").hidden = source === null
  at("target-source").textContent =
    source === null
      ? "The target tells nothing of itself. A Capstan service does, on its management port: it is found at port 9090 of the target's host, or wherever capstan load --management URL says."
      : `Read from ${source} each second.`
  for (const chart of targetCharts) chart.show(points)
}

/** @param {string} name */
function status(name) {
  const element = at("status")
  if (element.textContent !== name) element.textContent = name
  element.dataset.status = name
}

/** @param {string | undefined} text */
function trouble(text) {
  at("trouble").hidden = text === undefined
  at("trouble").textContent = text ?? ""
}

/**
 * @param {string} action @param {object} body
 * @returns {Promise<string | undefined>} what went wrong.
 */
async function send(action, body) {
  try {
    const response = await fetch(action, {
      method: "POST",
      headers: { "content-type": "application/json", "x-capstan-token": token },
      body: JSON.stringify(body),
    })
    return response.ok ? undefined : (await response.json()).error
  } catch {
    return "capstan load does not answer."
  }
}
