// Tests whether a page of the web is what it should be, once or until it is. It takes the same UserParameters and says
// the same words as the function that AWS's user guide has for this.
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
import { address } from "../../domain/page/PageRedirect.ts"
import {
  onEnd,
  onStatus,
  searchOn,
  type StatusUnexpected,
  type TextMissing,
  type TextSearch,
  Verdict
} from "../../domain/page/PageVerdict.ts"
import { Deadline } from "../../runtime/Deadline.ts"
import {
  type BodyBroken,
  maxBody,
  type Page,
  type PageUnreachable,
  type RedirectRefused,
  WebPage
} from "../../services/WebPage.ts"

/** The page, or the end of its body, did not come in time. */
export class PageTimedOut extends Schema.TaggedError<PageTimedOut>()("PageTimedOut", {
  url: Schema.String,
  /** How long it was waited for. */
  seconds: Schema.Finite,
  /** How many characters of the body had come; absent when there was no answer yet. */
  received: Schema.optionalKey(Schema.Int),
  /** What `timeoutSeconds` is, where the function had less time than that. */
  wanted: Schema.optionalKey(Schema.Finite)
}) {
  override get message() {
    const what = this.received === undefined
      ? `no answer within ${this.seconds} seconds`
      : `the body was not complete within ${this.seconds} seconds, after ${this.received} characters`
    const why = this.wanted === undefined
      ? ""
      : `. The Lambda function has no more time than that, although timeoutSeconds is ${this.wanted}: give it more`
    return `${truncate(this.url, 500)}: ${what}${why}`
  }
}

type AttemptError = PageUnreachable | RedirectRefused | BodyBroken | PageTimedOut | StatusUnexpected | TextMissing

/** The page did not become right in the time that it was given. */
export class PageNotRight extends Schema.TaggedError<PageNotRight>()("PageNotRight", {
  /** How long it was tried, in milliseconds. */
  after: Schema.Finite,
  attempts: Schema.Int,
  /** What was wrong with it in the last attempt. */
  seen: Schema.String
}) {
  override get message() {
    return `The page did not become right: ${attemptsInWords(this)}. Last seen: ${this.seen}`
  }
}

/** In whole seconds, rounded up. */
const attemptsInWords = ({ after, attempts }: { readonly after: number; readonly attempts: number }) =>
  `${attempts} attempt${attempts === 1 ? "" : "s"} in ${
    Duration.format(Duration.seconds(Math.ceil(after / 1_000) || 1))
  }`

type Invocation = Action.Invocation<PageParameters>
type Step = Action.Step<PageAttempts.Attempts>

/** How far the search in the body has come: none before there is an answer, or where nothing is searched for. */
type Progress = Ref.Ref<Option.Option<TextSearch>>

/** Reads the body until the text is found. */
const searchBody = Effect.fnUntraced(function*({ text, url }: Page, search: TextSearch, progress: Progress) {
  const end = (readOnly?: string) =>
    Effect.map(Ref.get(progress), (last) => onEnd(Option.getOrElse(last, () => search), url, readOnly))
  return yield* text.pipe(
    Stream.scan(() => search, searchOn),
    Stream.tap((search) => Ref.set(progress, Option.some(search))),
    Stream.runForEachWhile(({ found }) => Effect.succeed(!found)),
    Effect.andThen(end()),
    Effect.catchTag("BodyTooLong", () => end(maxBody))
  )
})

/** Opens the page, and reads no more of it than decides. */
const look = Effect.fnUntraced(function*(parameters: PageParameters, progress: Progress) {
  const { headers, url } = parameters
  const pages = yield* WebPage
  const page = yield* pages.open({ url, headers, isPage: (status) => accepts(parameters, status) })
  const first = onStatus(parameters, page.url, page.status)
  const verdict = Verdict.$is("Search")(first) ? yield* searchBody(page, first.search, progress) : first
  return Verdict.$is("Wrong")(verdict) ? yield* verdict.error : page
})

/** One attempt: a page that is right, or what is wrong with it. */
const attempt = Effect.fn("CheckWebpage.attempt")(function*(parameters: PageParameters, timeout: number) {
  const { timeoutSeconds, url } = parameters
  const progress = yield* Ref.make(Option.none<TextSearch>())
  return yield* look(parameters, progress).pipe(
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Effect.flatMap(Ref.get(progress), (search) =>
          Effect.fail(
            new PageTimedOut({
              url: address(url),
              seconds: Math.round(timeout / 100) / 10,
              ...Option.match(search, { onNone: () => ({}), onSome: ({ length }) => ({ received: length }) }),
              ...(timeout < timeoutSeconds * 1_000 && { wanted: timeoutSeconds })
            })
          ))
    }),
    Effect.timed
  )
})

const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

const defaultEvery = Duration.seconds(15)

/** Makes the attempts that are this job's. */
const check = Effect.fn("CheckWebpage.check")(function*(
  { execution: { startedAt }, parameters }: Invocation,
  before: PageAttempts.Attempts
): Effect.fn.Return<Step, AttemptError | PageNotRight, WebPage> {
  const { every = defaultEvery, timeoutSeconds } = parameters
  const timeout = timeoutSeconds * 1_000
  const deadline = yield* Deadline
  const invokedAt = yield* epochMillis

  /** The page, unless it is not right yet. */
  const one = Effect.fnUntraced(function*(attempts: PageAttempts.Attempts) {
    const now = yield* epochMillis
    const [duration, page] = yield* attempt(parameters, PageAttempts.allowed(timeout, { now, deadline }))
    const count = attempts.count + 1
    const took = count === 1 ? "" : ` ${attemptsInWords({ after: now - startedAt, attempts: count })}`
    return Action.Step.Done({
      message: `Tests passed.${took}`,
      outputVariables: {
        statusCode: String(page.status),
        url: page.url,
        attempts: String(count),
        milliseconds: String(Math.round(Duration.toMillis(duration)))
      }
    })
  })
  if (parameters.within === undefined) return yield* one(before)

  const patience = { timeout, every: Duration.toMillis(every), within: Duration.toMillis(parameters.within) }
  const goOn = Effect.fnUntraced(function*(
    attempts: PageAttempts.Attempts
  ): Effect.fn.Return<Step, PageNotRight, WebPage> {
    const now = yield* epochMillis
    const soFar = { after: now - startedAt, attempts: attempts.count }
    return yield* PageAttempts.Next.$match(
      PageAttempts.next(attempts, patience, { now, startedAt, invokedAt, deadline }),
      {
        Attempt: ({ wait }) =>
          one(attempts).pipe(
            Effect.catch((error) =>
              Effect.logInfo(`Not right yet. ${error.message}`).pipe(
                Effect.andThen(goOn(PageAttempts.failedAt(attempts, now + wait, error.message)))
              )
            ),
            Effect.delay(wait)
          ),
        NextJob: () =>
          Effect.succeed(Action.Step.Continue({
            message: `Waiting for the page: ${attemptsInWords(soFar)}. Last seen: ${attempts.seen}`,
            percentComplete: PageAttempts.percentOf(patience.within, { now, startedAt }),
            state: attempts
          })),
        GiveUp: () => Effect.fail(new PageNotRight({ ...soFar, seen: attempts.seen }))
      }
    )
  })
  return yield* goOn(before)
})

/**
 * Tests a page of the web with a GET.
 *
 * UserParameters: a URL, as AWS's sample takes it, of a page that has to have the status 200 and `Congratulations` in
 * its body; or JSON, as `PageExpectation.PageParameters` has it.
 *
 * The body is read as it comes in, by the charset of its content type, until the text is found, 64 MiB at most, and not
 * at all where no text is asked for. At most five redirects are followed; none from https to http, none whose status
 * is one that is expected, none into the function's own machine, and to another origin without `headers`, user and
 * password.
 *
 * Without `within` one attempt decides. With it attempts are made `every` so often, 15 seconds when left out, those of
 * the first 20 seconds of an invocation in that invocation, the others in later jobs, until the page is right or an
 * attempt fails that began when the time was over.
 *
 * Output variables: `statusCode`, `url` (the final one, without password and fragment), `attempts` (of all jobs),
 * `milliseconds` (of the last attempt).
 *
 * In place of the sample function of "Invoke an AWS Lambda function in a pipeline" in the CodePipeline user guide.
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
  PageNotRight: "JobFailed"
})
