/** Ends the process quietly when the reader of its output has closed it, as `head` does. The status is that of SIGPIPE. */
export const endWithReader = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount("error") > 0) continue
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error
      process.exit(141)
    })
  }
}
