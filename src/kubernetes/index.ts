/** `capstan/kubernetes`: what a configuration file imports. Importing this does nothing. */
export { type CapstanConfig, type CapstanStage, defineConfig } from "./config/config.ts"
