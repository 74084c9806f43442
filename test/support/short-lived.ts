/**
 * Flags of Node for processes that live for seconds. Such a one does little but load modules, and
 * collects garbage many times while its new space grows from next to nothing: that is a sixth of the
 * CPU time that it takes to start a server. With room from the beginning there is hardly any.
 */
export const shortLived: readonly string[] = ["--min-semi-space-size=16"]
