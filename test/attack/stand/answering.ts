/** Answers what it is told, one thing after the other, with the most memory that it has had. */
export function answering<T>(answer: (told: T) => Promise<unknown>): void {
  process.on("message", (told: T) => {
    void answer(told)
      .catch((error: unknown) => ({ failed: String(error) }))
      .then((found) => {
        const residentMiBMax = process.resourceUsage().maxRSS / 1024
        process.send?.({ answer: found, residentMiBMax })
      })
  })
}
