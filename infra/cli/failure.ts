/** What the process ends with. */
export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3 } as const

/** An end that the person at the keyboard can do something about: the message says what. Empty when all is said already. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.exitCode = exitCode
  }
}
