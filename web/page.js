/**
 * The live page. The feed holds what the server has told (feed.js); here it is drawn, at most once
 * a frame and only while somebody can see it, and here the buttons are.
 */
import { TimeAxis } from "./charts/axis.js"
import { at, make, say } from "./dom.js"
import { Feed } from "./feed.js"
import { showFigures } from "./figures.js"
import { fillForm, readForm } from "./form.js"
import { clock, rate, timeOfDay } from "./format.js"
import { showExceptions, showFailures } from "./panels/failures.js"
import { LoadCharts } from "./panels/load-charts.js"
import { showLog } from "./panels/log.js"
import { showPhases, showStatistics } from "./panels/statistics.js"
import { TargetPanel } from "./panels/target.js"
import { showWorkers } from "./panels/workers.js"
import { tabs } from "./tabs.js"
import { theme } from "./theme.js"

/** @import { PageState, RunState } from "../src/load/page/events.ts" */

const token = document.querySelector('meta[name="capstan-token"]')?.getAttribute("content") ?? ""
const table = (/** @type {string} */ id) => /** @type {HTMLTableElement} */ (at(id))

/** What is seen of the target before a run began. */
const beforeRunMs = 10_000
const recentMs = 300_000

/** What the form is open for. @type {"new" | "edit" | undefined} */
let form
let tab = "charts"
/** Whether somebody has chosen the tab; until then it is the one that there is most to see in. */
let isChosen = false
/** The same of the time that the target's charts show. */
let isSpanChosen = false
let isLost = false
let isDrawing = false

const axis = new TimeAxis()
theme(at("theme"), () => axis.repaint())
const loadCharts = new LoadCharts(axis)
const targetPanel = new TargetPanel(axis, draw)
const bring = tabs(
  /** @type {HTMLElement} */ (document.querySelector(".tabs")),
  (shown, isByHand) => {
    tab = shown
    isChosen ||= isByHand
    axis.point(null)
    draw()
  },
)
axis.changed = ({ isZoomed, cursor }) => {
  for (const button of document.querySelectorAll("[data-unzoom]")) {
    button.toggleAttribute("hidden", !isZoomed)
  }
  const ms = axis.originMs + (cursor ?? 0) * 1000
  for (const moment of document.querySelectorAll("[data-moment]")) {
    say(moment, cursor === null ? "" : `${clock(cursor)} · ${timeOfDay(ms)}`)
  }
}

const feed = new Feed(token, took, (lost) => {
  isLost = lost
  at("trouble").hidden = !lost
  say(at("trouble"), lost ? "The connection is lost. The page goes on when it is back." : "")
  draw()
})
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return
  feed.wake()
  draw()
})

/** @param {"changed" | "second" | "target" | "lines" | "said"} what */
function took(what) {
  const { state } = feed
  if (state === undefined) return
  if (what === "changed") {
    axis.startAt(state.run?.startedAtMs ?? state.openedAtMs)
    void loadCharts.renew()
    // An edit that was open when the run ended has nothing left to change.
    if (form === "edit" && state.status !== "running") form = undefined
    if (state.status === "idle" && form === undefined) openForm("new")
    if (!isChosen) bring(state.run === null && state.target !== null ? "target" : state.front)
  }
  if (what === "second" && state.run !== null) loadCharts.add(state.run)
  draw()
}

for (const action of ["stop", "reset"]) {
  at(action).addEventListener("click", async () => {
    const error = await feed.send(action)
    if (error !== undefined) alertOf(error)
  })
}
at("new").addEventListener("click", () => openForm("new"))
at("edit").addEventListener("click", () => openForm("edit"))
at("cancel").addEventListener("click", () => openForm(undefined))
at("form").addEventListener("submit", async (event) => {
  event.preventDefault()
  const isEdit = form === "edit"
  const { target, runTime, ...offer } = readForm()
  const go = /** @type {HTMLButtonElement} */ (at("go"))
  go.disabled = true
  const error = await feed.send(
    isEdit ? "change" : "start",
    isEdit ? offer : { target, runTime, ...offer },
  )
  go.disabled = false
  at("form-error").hidden = error === undefined
  say(at("form-error"), error ?? "")
  if (error === undefined) openForm(undefined)
})
for (const button of document.querySelectorAll("[data-unzoom]")) {
  button.addEventListener("click", () => axis.zoom(undefined))
}
at("span").addEventListener("change", () => {
  isSpanChosen = true
  axis.zoom(undefined)
  draw()
})

/** @param {"new" | "edit" | undefined} wanted */
function openForm(wanted) {
  form = wanted
  const { state } = feed
  if (wanted !== undefined && state !== undefined) {
    const isEdit = wanted === "edit"
    fillForm(isEdit ? presentOffer(state) : state.form, isEdit)
    say(at("start-title"), isEdit ? "Change the load" : "New run")
    say(
      at("start-scenario"),
      isEdit ? "From now on, without stopping." : `What is sent: ${state.scenario}.`,
    )
    say(at("go"), isEdit ? "Change" : "Start")
    at("cancel").hidden = state.status === "idle"
    at("form-error").hidden = true
  }
  drawNow()
  if (wanted !== undefined) {
    if (state?.run !== null) at("start").scrollIntoView({ block: "nearest" })
    const fields = [...at("form").querySelectorAll(".fields label:not([hidden]) input")]
    const [first] = /** @type {HTMLInputElement[]} */ (fields)
    first?.focus({ preventScroll: true })
    first?.select()
  }
}

/** What is asked for now, to be changed: stages are at some value, and go on from it. */
/** @param {PageState} state @returns {PageState["form"]} */
function presentOffer({ form, run }) {
  if (form.stages === undefined || run === null) return form
  const { stages, ...rest } = form
  const offered = run.snapshot?.point.offered ?? 1
  return run.model === "open" ? { ...rest, rate: offered } : { ...rest, users: Math.round(offered) }
}

/** Soon, and once for all that changes until then. */
function draw() {
  if (isDrawing) return
  isDrawing = true
  requestAnimationFrame(() => {
    isDrawing = false
    drawNow()
  })
}

function drawNow() {
  const { state } = feed
  if (state === undefined) return
  const { run, target, status } = state
  const isRunning = status === "running"
  const hasViews = run !== null || target !== null
  showStatus(isLost ? "disconnected" : status)
  at("stop").hidden = !isRunning
  at("edit").hidden = !isRunning
  at("reset").hidden = !isRunning
  at("new").hidden = status !== "over" || form !== undefined
  at("start").hidden = form === undefined
  at("views").hidden = !hasViews
  at("main").dataset.layout =
    form === undefined ? "views" : hasViews ? (run === null ? "both" : "beside") : "form"
  at("start").dataset.busy = String(status === "starting" || status === "stopping")
  say(at("tool"), state.tool)
  say(at("target"), run?.target ?? state.form.target)
  say(at("offered"), run?.offered ?? "")
  document.title = titleOf(state)
  drawClock(run)
  if (hasViews) drawViews(state)
}

/** @param {PageState} state */
function titleOf({ run, status, tool }) {
  const { snapshot } = run ?? {}
  return status === "running" && snapshot
    ? `● ${rate(snapshot.point.requestsPerS)}/s – Capstan`
    : `Capstan ${tool}`
}

/** @param {RunState | null} run */
function drawClock(run) {
  at("clock").hidden = run === null
  if (run === null) return
  // What still comes in after that is no part of the run's time.
  const elapsedMs = Math.min(
    run.snapshot?.elapsedMs ?? run.elapsedMs,
    run.runTimeMs ?? Number.MAX_VALUE,
  )
  say(at("elapsed"), clock(elapsedMs / 1000))
  say(at("runtime"), run.runTimeMs === null ? "" : `of ${clock(run.runTimeMs / 1000)}`)
  const progress = /** @type {HTMLProgressElement} */ (at("progress"))
  progress.hidden = run.runTimeMs === null
  progress.value = run.runTimeMs === null ? 0 : Math.min(1, elapsedMs / run.runTimeMs)
}

/** @param {PageState} state */
function drawViews(state) {
  const { run } = state
  const snapshot = run?.snapshot ?? null
  const limit = snapshot?.generator.limit ?? null
  showFigures(at("figures"), state)
  at("limit").hidden = limit === null
  say(at("limit"), limit ?? "")
  drawCount("failure-count", snapshot?.failures.length ?? 0)
  drawCount("exception-count", snapshot?.exceptions.length ?? 0)
  drawVerdicts(run)
  drawPanel(state)
}

/** Only the panel in front. @param {PageState} state */
function drawPanel(state) {
  const { run, log } = state
  const snapshot = run?.snapshot ?? null
  follow(state)
  switch (tab) {
    case "charts":
      at("no-run").hidden = run !== null
      at("run-charts").hidden = run === null
      if (run !== null) loadCharts.show(run)
      break
    case "target":
      targetPanel.show(state)
      break
    case "statistics":
      showStatistics(table("statistics"), snapshot, (endpoint) => {
        loadCharts.choose(endpoint)
        bring("charts")
      })
      showPhases(table("phases"), snapshot)
      drawNotes(run)
      break
    case "failures":
      showFailures(table("failures"), snapshot?.failures ?? [])
      at("no-failures").hidden = (snapshot?.failures.length ?? 0) > 0
      break
    case "exceptions":
      showExceptions(table("exceptions"), snapshot?.exceptions ?? [])
      at("no-exceptions").hidden = (snapshot?.exceptions.length ?? 0) > 0
      break
    case "workers":
      showWorkers(table("threads"), snapshot, run?.model === "open")
      break
    case "log":
      showLog(at("log"), log)
      break
    case "download":
      at("downloads").hidden = run === null
      at("no-download").hidden = run !== null
      break
    default:
  }
}

/** The time that charts show while nothing is zoomed: of the run, or of what was watched. */
/** @param {PageState} state */
function follow({ run, target, openedAtMs }) {
  const runToMs = run?.course.timeMs.at(-1) ?? run?.startedAtMs ?? openedAtMs
  if (tab !== "target" || target === null) {
    axis.follow(run?.sinceMs ?? openedAtMs, runToMs)
    return
  }
  const { timeMs } = target.course
  const firstMs = timeMs[0] ?? openedAtMs
  const lastMs = Math.max(timeMs.at(-1) ?? openedAtMs, runToMs)
  const radio = (/** @type {string} */ which) =>
    /** @type {HTMLInputElement} */ (at("span").querySelector(which))
  radio('[value="run"]').disabled = run === null
  if (!isSpanChosen || run === null)
    radio(`[value="${run === null ? "all" : "run"}"]`).checked = true
  const chosen = radio(":checked").value
  const fromMs =
    chosen === "recent"
      ? lastMs - recentMs
      : chosen === "run" && run !== null
        ? run.sinceMs - beforeRunMs
        : firstMs
  axis.follow(Math.max(firstMs, fromMs), lastMs)
}

/** @param {string} id @param {number} count */
function drawCount(id, count) {
  at(id).hidden = count === 0
  say(at(id), String(count))
}

/** @param {RunState | null} run */
function drawVerdicts(run) {
  const verdicts = run?.verdicts ?? []
  const list = at("verdicts")
  list.hidden = verdicts.length === 0
  list.replaceChildren(
    ...verdicts.map(({ threshold, measured, kept }) => {
      const item = make("li", {}, `${kept ? "✓ kept" : "✗ crossed"}: ${threshold} (${measured})`)
      item.dataset.kept = String(kept)
      return item
    }),
  )
}

/** @param {RunState | null} run */
function drawNotes(run) {
  say(
    at("model-note"),
    run?.model === "open"
      ? "Times count from when a request was due, so that a stalled target can't hide behind requests that were not sent."
      : "Times count from when a request was sent. Users wait for their answers, so a stalled target holds requests back; a rate does not.",
  )
  const notes = [...new Set([...(run?.notes ?? []), ...(run?.snapshot?.notes ?? [])])]
  at("notes").replaceChildren(...notes.map((note) => make("li", {}, note)))
}

/** @param {string} name */
function showStatus(name) {
  say(at("status"), name)
  at("status").dataset.status = name
}

/** @param {string} text */
function alertOf(text) {
  at("trouble").hidden = false
  say(at("trouble"), text)
}
