/** The live page as a browser has it. */
import assert from "node:assert/strict"
import type { Browser, Page } from "playwright-core"
import { patienceMs } from "./patience.ts"

/** A page that must not say anything on the console. */
export async function opened(browser: Browser, url: string, before = ""): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  await context.addInitScript(before)
  const page = await context.newPage()
  page.setDefaultTimeout(patienceMs())
  page.on("pageerror", (error) => assert.fail(error))
  page.on("console", (message) => {
    // A mistake in the form is answered 422, and Chromium tells its console.
    if (message.type() === "error" && !/422/.test(message.text())) assert.fail(message.text())
  })
  await page.goto(url)
  return page
}

export const figure = (page: Page, label: string) =>
  page.locator(".figure", { hasText: label }).locator("b")
export const tab = (page: Page, name: string) => page.getByRole("tab", { name })
