/** What a replica of `capstan up` is told with its start. */
export interface Boot {
  readonly moduleUrl: string
  /** The settings given as flags, by setting name. */
  readonly flags: Readonly<Record<string, string | undefined>>
  /** Worker threads, unless a flag or a variable says otherwise. */
  readonly workers: number
}
