/** Light, dark, or what the system says. The choice is kept in this browser. */

const choices = /** @type {const} */ (["auto", "light", "dark"])
const signs = { auto: "◐", light: "☀", dark: "☾" }
const names = { auto: "as the system", light: "light", dark: "dark" }
const system = matchMedia("(prefers-color-scheme: dark)")

/** @type {(typeof choices)[number]} */
let choice = choices.find((one) => one === localStorage.getItem("capstan-theme")) ?? "auto"

/**
 * @param {HTMLElement} button cycles through the choices.
 * @param {() => void} changed called when colours have changed.
 */
export function theme(button, changed) {
  const apply = () => {
    const isDark = choice === "dark" || (choice === "auto" && system.matches)
    document.documentElement.dataset.theme = isDark ? "dark" : "light"
    button.textContent = signs[choice]
    button.title = `Theme: ${names[choice]}`
    button.setAttribute("aria-label", `Theme: ${names[choice]}`)
    changed()
  }
  button.addEventListener("click", () => {
    choice = choices[(choices.indexOf(choice) + 1) % choices.length] ?? "auto"
    localStorage.setItem("capstan-theme", choice)
    apply()
  })
  system.addEventListener("change", apply)
  apply()
}

/** @param {string} name of a colour in page.css */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}
