/** Light, dark, or what the system says. The choice is kept in this browser. */

const choices = /** @type {const} */ (["auto", "light", "dark"])
const signs = { auto: "◐", light: "☀", dark: "☾" }
const names = { auto: "as the system", light: "light", dark: "dark" }
const system = matchMedia("(prefers-color-scheme: dark)")

/** @type {(typeof choices)[number]} */
let choice = choices.find((one) => one === remembered()) ?? "auto"

/** Asking the style for a colour makes the browser work out the page's style; charts ask often. */
/** @type {Map<string, string>} */
const colours = new Map()

/**
 * @param {HTMLElement} button cycles through the choices.
 * @param {() => void} changed called when colours have changed.
 */
export function theme(button, changed) {
  const apply = () => {
    const isDark = choice === "dark" || (choice === "auto" && system.matches)
    setColours(isDark)
    button.textContent = signs[choice]
    button.title = `Theme: ${names[choice]}`
    button.setAttribute("aria-label", `Theme: ${names[choice]}`)
    changed()
  }
  button.addEventListener("click", () => {
    choice = choices[(choices.indexOf(choice) + 1) % choices.length] ?? "auto"
    remember(choice)
    apply()
  })
  system.addEventListener("change", apply)
  apply()
}

/** Until the next choice: paper is light, whatever was chosen. @param {boolean} isDark */
export function setColours(isDark) {
  document.documentElement.dataset.theme = isDark ? "dark" : "light"
  colours.clear()
}

/** @param {string} name of a colour in style/colours.css */
export function colour(name) {
  let value = colours.get(name)
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim()
    colours.set(name, value)
  }
  return value
}

// A file that was opened from disk, or a browser that keeps nothing, has no storage.
function remembered() {
  try {
    return localStorage.getItem("capstan-theme")
  } catch {
    return null
  }
}

/** @param {string} chosen */
function remember(chosen) {
  try {
    localStorage.setItem("capstan-theme", chosen)
  } catch {
    // It holds for this page then.
  }
}
