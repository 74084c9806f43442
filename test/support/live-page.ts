/** The live page as a browser has it. */
import type { Browser, Page } from "playwright-core"
import { openPage, type PageOptions } from "./browser.ts"

export function opened(browser: Browser, url: string, options: PageOptions = {}) {
  const viewport = { width: 1280, height: 900 }
  // A mistake in the form is answered 422, and Chromium tells its console.
  return openPage(browser, url, { viewport, says: /422/, ...options })
}

export const figure = (page: Page, label: string) =>
  page.locator(".figure", { hasText: label }).locator("b")
export const tab = (page: Page, name: string) => page.getByRole("tab", { name })
