import { defineConfig } from "capstan/kubernetes"

export const config = defineConfig({
  deployment: {
    // One call keeps one core busy.
    cpu: "1",
    // Measured: 224 MiB with one worker, 61 for each further and for the spare one; and room for pictures.
    memory: "640Mi",
    env: { CAPSTAN_WORKERS: "4" },
  },
})
