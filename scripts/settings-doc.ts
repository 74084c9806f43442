/**
 * Writes docs/settings.md from the table of settings: `node scripts/settings-doc.ts`.
 * A test holds the two together.
 */
import { writeFileSync } from "node:fs"
import { settingGroups, shownDefault } from "../src/cli/setting-groups.ts"
import { allowedValues } from "../src/service/setting-spec.ts"
import { environmentVariable, flag } from "../src/service/settings.ts"

export const settingsDocument = new URL("../docs/settings.md", import.meta.url)

export function settingsMarkdown(): string {
  const sections = settingGroups().flatMap(({ heading, settings }) => [
    `## ${heading}`,
    "",
    ...settings.flatMap(({ name, spec }) => [
      `### \`${name}\``,
      "",
      spec.doc,
      "",
      `- flag \`${flag(name)}\`, variable \`${environmentVariable(name)}\``,
      `- ${allowedValues(spec)}; ${spec.kind === "list" && spec.default.length === 0 ? "empty" : `\`${shownDefault(spec)}\``} by default`,
      "",
    ]),
  ])
  return `${introduction}\n${sections.join("\n").trimEnd()}\n`
}

const introduction = `# Settings

<!-- Written by scripts/settings-doc.ts from src/service/settings.ts. Change it there. -->

A setting can be given in three places; the later of them wins:

1. in code, where the service is started from code: \`serve(module, { settings: { workers: 2 } })\`
2. as an environment variable: \`CAPSTAN_WORKERS=2\`
3. as a flag: \`capstan serve service.ts --workers 2\`

A value that a setting can't have ends the start with exit code 2 and a message that says what it can
have. So does a variable that starts with \`CAPSTAN_\` and belongs to no setting: it is a slip of the pen
more often than not.
`

if (import.meta.main) writeFileSync(settingsDocument, settingsMarkdown())
