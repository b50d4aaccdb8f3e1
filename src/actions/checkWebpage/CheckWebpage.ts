// Checks that a web page is as expected, once or until it is. Takes the same UserParameters as the function of AWS's user
// guide, and reports in the same words.
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Action from "../../Action.ts"
import { truncate } from "../../domain/job/JobOutcome.ts"
import * as PageAttempts from "../../domain/page/PageAttempts.ts"
import { accepts, PageParameters } from "../../domain/page/PageExpectation.ts"
import { displayUrl } from "../../domain/page/PageRedirect.ts"
import { redactError, redactRequest } from "../../domain/page/PageSecrets.ts"
import {
  judgeBody,
  judgeStatus,
  searchPiece,
  type StatusUnexpected,
  type TextMissing,
  type TextSearch,
  Verdict
} from "../../domain/page/PageVerdict.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { Deadline } from "../../runtime/Deadline.ts"
import {
  type BodyBroken,
  maxBody,
  type Page,
  type PageUnreachable,
  type RedirectRefused,
  WebPage
} from "../../services/WebPage.ts"

/** The page, or the end of its body, did not arrive in time. */
export class PageTimedOut extends Schema.TaggedError<PageTimedOut>()("PageTimedOut", {
  url: Schema.String,
  /** The time limit of the attempt. */
  seconds: Schema.Finite,
  /** Number of characters received, if the body had started. */
  received: Schema.optionalKey(Schema.Int),
  /** The value of `timeoutSeconds`, if the function had less time than that. */
  wanted: Schema.optionalKey(Schema.Finite)
}) {
  get problem() {
    const what = this.received === undefined
      ? `no response within ${this.seconds} seconds`
      : `the body was not complete within ${this.seconds} seconds, after ${this.received} characters`
    return `${truncate(this.url, 500)}: ${what}`
  }
  get advice() {
    return this.wanted === undefined
      ? undefined
      : `The Lambda function had no more time, although timeoutSeconds is ${this.wanted}: increase its timeout`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

type AttemptError = PageUnreachable | RedirectRefused | BodyBroken | PageTimedOut | StatusUnexpected | TextMissing

/** No attempt within the time succeeded. */
export class PageCheckFailed extends Schema.TaggedError<PageCheckFailed>()("PageCheckFailed", {
  /** Time from the start of the action to the start of the last attempt, in milliseconds. */
  after: Schema.Finite,
  attempts: Schema.Int,
  /** Why the last attempt failed. */
  lastProblem: Schema.String
}) {
  override get message() {
    return `The page is not as expected after ${attemptsInWords(this)}. Last attempt: ${this.lastProblem}`
  }
}

/** In whole seconds, rounded up. */
const attemptsInWords = ({ after, attempts }: { readonly after: number; readonly attempts: number }) =>
  `${attempts} attempt${attempts === 1 ? "" : "s"} in ${
    Duration.format(Duration.seconds(Math.ceil(after / 1_000) || 1))
  }`

type Invocation = Action.Invocation<PageParameters>
type Step = Action.Step<PageAttempts.Attempts>

/** The state of the search in the body: none before the response, or if there is no text to find. */
type Progress = Ref.Ref<Option.Option<TextSearch>>

/** Reads the body until the text is found. */
const searchBody = Effect.fnUntraced(function*({ text, url }: Page, search: TextSearch, progress: Progress) {
  const judge = (readOnly?: string) =>
    Effect.map(Ref.get(progress), (last) => judgeBody(Option.getOrElse(last, () => search), url, readOnly))
  return yield* text.pipe(
    Stream.scan(() => search, searchPiece),
    Stream.tap((search) => Ref.set(progress, Option.some(search))),
    Stream.runForEachWhile(({ found }) => Effect.succeed(!found)),
    Effect.andThen(judge()),
    Effect.catchTag("BodyTooLong", () => judge(maxBody))
  )
})

/** Opens the page, and reads as much of it as the verdict needs. */
const checkPage = Effect.fnUntraced(function*(parameters: PageParameters, progress: Progress) {
  const { headers, maxRedirects, url } = parameters
  const pages = yield* WebPage
  const page = yield* pages.open({ url, headers, maxRedirects, isPage: (status) => accepts(parameters, status) })
  const first = judgeStatus(parameters, page.url, page.status)
  const verdict = Verdict.$is("Search")(first) ? yield* searchBody(page, first.search, progress) : first
  return Verdict.$is("Failed")(verdict) ? yield* verdict.error : page
})

/** Makes one attempt. Succeeds with the page if it is as expected. */
const attempt = Effect.fn("CheckWebpage.attempt")(function*(parameters: PageParameters, timeout: number) {
  const { timeoutSeconds, url } = parameters
  const redact = redactRequest(parameters)
  const progress = yield* Ref.make(Option.none<TextSearch>())
  return yield* checkPage(parameters, progress).pipe(
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Effect.flatMap(Ref.get(progress), (search) =>
          Effect.fail(
            new PageTimedOut({
              url: displayUrl(url),
              seconds: Math.round(timeout / 100) / 10,
              ...Option.match(search, { onNone: () => ({}), onSome: ({ length }) => ({ received: length }) }),
              ...(timeout < timeoutSeconds * 1_000 && { wanted: timeoutSeconds })
            })
          ))
    }),
    Effect.mapBoth({
      onFailure: redactError(redact),
      onSuccess: ({ status, url }) => ({ status, url: redact(url) })
    }),
    Effect.timed
  )
})

const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

const defaultEvery = Duration.seconds(15)

/** Makes the attempts of this job. */
const check = Effect.fn("CheckWebpage.check")(function*(
  { execution: { startedAt }, parameters }: Invocation,
  before: PageAttempts.Attempts
): Effect.fn.Return<Step, AttemptError | PageCheckFailed, WebPage> {
  const { every = defaultEvery, timeoutSeconds } = parameters
  const timeout = timeoutSeconds * 1_000
  const deadline = yield* Deadline
  const invokedAt = yield* epochMillis

  const runAttempt = Effect.fnUntraced(function*(attempts: PageAttempts.Attempts) {
    const now = yield* epochMillis
    const [duration, page] = yield* attempt(parameters, PageAttempts.timeLimit(timeout, { now, deadline }))
    const count = attempts.count + 1
    const elapsed = count === 1 ? "" : ` ${attemptsInWords({ after: now - startedAt, attempts: count })}`
    return Action.Step.Done({
      message: `Tests passed.${elapsed}`,
      outputVariables: {
        statusCode: String(page.status),
        url: page.url,
        attempts: String(count),
        milliseconds: String(Math.round(Duration.toMillis(duration)))
      }
    })
  })
  if (parameters.within === undefined) return yield* runAttempt(before)

  const policy = { timeout, every: Duration.toMillis(every), within: Duration.toMillis(parameters.within) }
  const poll = Effect.fnUntraced(function*(
    attempts: PageAttempts.Attempts
  ): Effect.fn.Return<Step, PageCheckFailed, WebPage> {
    const now = yield* epochMillis
    const soFar = { after: now - startedAt, attempts: attempts.count }
    return yield* PageAttempts.Next.$match(
      PageAttempts.next(attempts, policy, { now, startedAt, invokedAt, deadline }),
      {
        Attempt: ({ wait }) =>
          runAttempt(attempts).pipe(
            Effect.catch((error) =>
              Effect.logInfo(`Attempt ${attempts.count + 1} failed. ${error.message}`).pipe(
                Effect.andThen(poll(PageAttempts.recordFailure(attempts, now + wait, error.message)))
              )
            ),
            Effect.delay(wait)
          ),
        NextJob: () =>
          Effect.succeed(Action.Step.Continue({
            message: `Waiting for the page: ${attemptsInWords(soFar)}. Last attempt: ${attempts.problem}`,
            percentComplete: PageAttempts.percentOf(policy.within, { now, startedAt }),
            state: attempts
          })),
        Stop: () => Effect.fail(new PageCheckFailed({ ...soFar, lastProblem: attempts.problem }))
      }
    )
  })
  return yield* poll(before)
})

/**
 * Checks a web page with a GET request.
 *
 * UserParameters: a URL alone, as in AWS's sample, whose page must have the status 200 and `Congratulations` in its body;
 * or JSON (see `PageExpectation.PageParameters`).
 *
 * The body is decoded by its byte-order mark, the charset of its content type, or UTF-8. It is read until the text is
 * found, up to 64 MiB, and not at all if no text is expected. Up to `maxRedirects` redirects are followed (5 by default),
 * with the cookies of the page. A redirect from https to http, to a local address, or with an expected status is not
 * followed. `headers`, user and password are not sent to another origin.
 *
 * Without `within` there is one attempt. With it, attempts start at the interval `every` (15 seconds by default): those of
 * the first 20 seconds of an invocation in that invocation, and the others in later jobs. The action fails when an attempt
 * fails that started at the end of `within` or later.
 *
 * Output variables: `statusCode`, `url` (after redirects, without password and fragment), `attempts` (of all jobs),
 * `milliseconds` (of the last attempt).
 *
 * Replaces the sample function of "Invoke an AWS Lambda function in a pipeline" in the CodePipeline user guide.
 */
export const CheckWebpage = Action.make({
  name: "check-webpage",
  parameters: PageParameters,
  state: PageAttempts.Attempts,
  start: (invocation) => check(invocation, PageAttempts.none),
  resume: check,
  recover: (invocation) => check(invocation, PageAttempts.none)
})({
  PageUnreachable: "JobFailed",
  RedirectRefused: "JobFailed",
  BodyBroken: "JobFailed",
  PageTimedOut: "JobFailed",
  StatusUnexpected: "JobFailed",
  TextMissing: "JobFailed",
  PageCheckFailed: "JobFailed"
})
