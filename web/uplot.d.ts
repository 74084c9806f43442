/** The page gets uPlot's own module under this name. */
export { default } from "uplot"
