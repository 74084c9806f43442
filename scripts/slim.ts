/** Makes pictures of pages small: 256 colours are enough for them, and a third of the bytes. */
import { readFile, writeFile } from "node:fs/promises"
import sharp from "sharp"

export async function slim(path: string): Promise<void> {
  const whole = await readFile(path)
  const slimmed = await sharp(whole).png({ palette: true, effort: 10 }).toBuffer()
  if (slimmed.length < whole.length) await writeFile(path, slimmed)
}
