/** Elements, made and found. */

/** @param {string} id */
export function at(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id))
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<Record<"class" | "type" | "title" | "scope" | "role", string>>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** Only when it is another: what is read aloud, or selected, is left alone. */
/** @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** @param {string} method of a request, before its name */
export function verb(method) {
  return make("span", { class: "verb" }, method)
}
