/** There is no kubeconfig to speak of, its login fails, or nothing answers where it points. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError"
}
