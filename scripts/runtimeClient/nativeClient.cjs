// Replaces `rapid-client.node` of `aws-lambda-ric`. Like the original, it waits for the next event in a thread of libuv's
// pool, and it reports results synchronously. Instead of Lambda's Runtime API it speaks the protocol of the tests'
// driver (test/lambda/container.ts).
const { read, writeSync } = require("node:fs")

const chunk = Buffer.alloc(65_536)
let received = ""

const nextLine = () =>
  new Promise((resolve, reject) => {
    const at = received.indexOf("\n")
    if (at >= 0) {
      const line = received.slice(0, at)
      received = received.slice(at + 1)
      return resolve(line)
    }
    return read(0, chunk, 0, chunk.length, null, (error, length) => {
      if (error) return reject(error)
      if (length === 0) process.exit()
      received += chunk.toString("latin1", 0, length)
      return resolve(nextLine())
    })
  })

const report = (result) => void writeSync(3, `${JSON.stringify(result)}\n`)

exports.next = async () => {
  const { event, remainingMillis } = JSON.parse(Buffer.from(await nextLine(), "latin1").toString())
  return {
    bodyJson: JSON.stringify(event),
    headers: {
      "lambda-runtime-aws-request-id": "8d8a5c0e-1f0b",
      "lambda-runtime-deadline-ms": Math.round(Date.now() + remainingMillis),
      "lambda-runtime-trace-id": "",
      "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-central-1:123456789012:function:test"
    }
  }
}

exports.done = (_, body) => report({ resolved: JSON.parse(body) })

exports.error = (_, body) => {
  const { errorMessage, errorType } = JSON.parse(body)
  report({ rejected: `${errorType}: ${errorMessage}` })
}
