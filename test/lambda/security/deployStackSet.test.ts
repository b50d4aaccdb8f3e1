// deploy-stack-set in a process of its own: whatever fails and whatever it is given, it tells no secret, writes nothing, starts
// nothing and asks nobody else.
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { StackSetsServer } from "../../contract/StackSetsServer.ts"
import { rawZip } from "../../internal/rawZip.ts"
import { commonScenarios } from "./common.ts"
import { artifactRequest } from "./inputs.ts"
import { file, password, template, zipped } from "./world.ts"

const accounts = ["111111111111", "222222222222"]
const required = { stackSet: "MyStackSet", file, artifact: "MyTemplate", accounts, regions: ["eu-west-1"] }

const parameters = (change: Readonly<Record<string, unknown>>) => JSON.stringify({ ...required, ...change })

const { scenario } = commonScenarios({
  module: "tracedStackSet",
  cloudFormation: StackSetsServer,
  layer: StackSetsServer.layer,
  userParameters: (job) => parameters({ stackSet: `Set-${job}` }),
  message: "Stack set update started"
}, {
  operations: ["DescribeStackSet", "CreateStackSet", "DescribeStackSetOperation", "UpdateStackSet"],
  change: "UpdateStackSet"
}, Effect.succeed(parameters({ stackSet: "Existing" })))

/** As text, because an object literal has no such key. */
const withKey = (key: string, value: string) => parameters({}).replace("{", `{"${key}": ${value},`)

const long = "x".repeat(100_000)
const many = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Objects in objects, as text: JSON.stringify would overflow the stack. */
const nested = (levels: number) => `${"{\"a\":".repeat(levels)}1${"}".repeat(levels)}`

const oddPlaces = [
  "",
  "::",
  "MyTemplate::",
  "MyTemplate::../../etc/passwd",
  "Other::x",
  "__proto__::x",
  `${long}::${long}`
]

const hostileParameters: ReadonlyArray<string> = [
  "",
  "null",
  password,
  `"${password}"`,
  parameters({ password }),
  parameters({ stackSet: { password } }),
  withKey("__proto__", "{\"polluted\": true}"),
  withKey("constructor", "{\"prototype\": {\"polluted\": true}}"),
  withKey("description", nested(5_000)),
  withKey("overrides", "[".repeat(100_000)),
  ...["../x", "__proto__", "a:b", "a\nb", "-", long, "$(touch owned)", "arn:aws:iam::123456789012:role/admin"].map((
    stackSet
  ) => parameters({ stackSet })),
  ...[`arn:aws:iam::123456789012:role/${long}`, "arn:aws:iam::1:role/x", "admin", "a\nb", { password }].map((role) =>
    parameters({ administrationRoleArn: role })
  ),
  ...["../admin", "a/b", "*", "a\nb", long, "$(touch owned)", [password]].map((role) =>
    parameters({ executionRoleName: role })
  ),
  ...["127.0.0.2:1", "elsewhere.example", "eu-west-1/x?", "user@elsewhere.example", "eu-west-1\r\n", long].flatMap((
    region
  ) => [
    parameters({ regions: [region] }),
    parameters({ regionOrder: ["eu-west-1", region] })
  ]),
  ...["1", "11111111111a", "__proto__", "*", long].map((account) => parameters({ accounts: [account] })),
  parameters({ accounts: many(20_000).map((index) => `account-${index}`) }),
  parameters({ organizationalUnits: ["ou-../x", "*"] }),
  parameters({ parameters: Object.fromEntries(many(20_000).map((index) => [`Name${index}`, "x"])) }),
  parameters({ tags: Object.fromEntries(many(20_000).map((index) => [`Key${index}`, "x"])) }),
  ...oddPlaces.flatMap((place) => [
    parameters({ accounts: place }),
    parameters({ overrides: place }),
    parameters({ templateConfiguration: place })
  ]),
  ...["../x", "/etc/passwd", "C:\\x", long].map((resultFile) => parameters({ resultFile })),
  ...["127.0.0.2:1/x", "user@127.0.0.2", "..", "arn:aws:s3:us-west-2:123456789012:accesspoint/x"]
    .map((templateBucket) => parameters({ templateBucket }))
]

scenario("UserParameters are text, whatever stands in them", ({ answered }) =>
  Effect.gen(function*() {
    const { calls } = yield* StackSetsServer
    for (const userParameters of hostileParameters) {
      const name = userParameters.slice(0, 300)
      const { fetched, outcome } = yield* answered(name, { userParameters })
      assert.notInclude(outcome?.message, "unexpectedly", name)
      assert.includeMembers([artifactRequest], fetched, name)
    }
    // No role is used that is not an IAM role's name, and nothing is deleted.
    for (const { operation, parameters } of calls) {
      assert.notMatch(operation, /^Delete/)
      assert.notMatch(JSON.stringify(parameters), /admin|touch owned|elsewhere/)
    }
  }))

/** Files of an artifact, and what the whole function says of them. */
const hostileFiles: ReadonlyArray<readonly [option: string, content: string, says: RegExp]> = [
  ["overrides", "[".repeat(5_000), /more than 64 levels/],
  ["overrides", `[{"parameters": ${nested(5_000)}}]`, /more than 64 levels/],
  ["overrides", "[".repeat(900_000), /more than 64 levels/],
  ["overrides", `[${"1,".repeat(450_000)}1]`, /more than 100000 values/],
  ["overrides", `[${"{\"parameters\":{}},".repeat(20_000)}{"parameters":{}}]`, /20001 entries without "accounts"/],
  [
    "overrides",
    `[{"parameters": {${many(20_000).map((index) => `"Name${index}": "${password}"`).join()}}}]`,
    /20000 parameters/
  ],
  ["overrides", `[${many(20_000).map((index) => `{"name${index}": 1}`).join()}]`, /and 3998\d more/],
  ["overrides", `[{"parameters": {"Key": ["${password}"]}}]`, /expected/],
  ["overrides", `${password}`, /is not JSON/],
  ["overrides", "[{\"__proto__\": {\"polluted\": true}, \"parameters\": {}}]", /__proto__/],
  ["overrides", "x".repeat(2_000_000), /the maximum is 1000000/],
  ["accounts", many(20_000).map((index) => `account-${index}`).join("\n"), /"account-0".* more/],
  ["accounts", "[".repeat(5_000), /it has no account/],
  ["accounts", "__proto__ constructor", /other texts than ids of 12 digits/],
  ["accounts", "1".repeat(900_000), /other texts than ids of 12 digits/],
  ["templateConfiguration", nested(5_000), /more than 64 levels/],
  [
    "templateConfiguration",
    JSON.stringify({ Parameters: {}, AdministrationRoleARN: "arn:aws:iam::123456789012:role/admin" }),
    /AdministrationRoleARN/
  ],
  [
    "templateConfiguration",
    JSON.stringify({ Parameters: Object.fromEntries(many(20_000).map((index) => [`Name${index}`, password])) }),
    /20000 parameters|more than 10000 values/
  ]
]

scenario(
  "a file of an artifact is only read, whatever it contains, and nothing is started for it",
  ({ answered }) =>
    Effect.gen(function*() {
      const { calls } = yield* StackSetsServer
      for (const [index, [option, content, says]] of hostileFiles.entries()) {
        const name = `${index} ${option} ${content.slice(0, 100)}`
        const zip = rawZip([
          { name: Buffer.from(file), content: Buffer.from(template) },
          { name: Buffer.from("odd"), content: Buffer.from(content) }
        ])
        const startedAt = performance.now()
        const { outcome } = yield* answered(name, {
          userParameters: parameters({ [option]: "MyTemplate::odd" }),
          s3: zipped(zip)
        })
        assert.match(String(outcome?.message), says, name)
        assert.isAtMost(String(outcome?.message).length, 5_000, name)
        assert.isBelow(performance.now() - startedAt, 20_000, name)
      }
      assert.deepStrictEqual([...new Set(calls.map(({ operation }) => operation))], ["DescribeStackSet"])
    })
)

const token = (state: unknown, execution: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({
    version: 1,
    action: "deploy-stack-set",
    execution: { firstJobId: "job-0", startedAt: 1_795_330_000_000, attempt: 1, ...execution },
    state
  })

const watching = (change: Readonly<Record<string, unknown>>) =>
  token({ stackSetId: "MyStackSet", ran: [["update", 1]], watching: true, ...change })

const oddTokens: ReadonlyArray<string> = [
  " ",
  "{",
  password,
  JSON.stringify({ password }),
  "[".repeat(100_000),
  "{\"__proto__\": {\"polluted\": true}}",
  token(null),
  token([]),
  token({ stackSetId: 1 }),
  watching({}).replace("\"state\":{", "\"state\":{\"__proto__\": {\"polluted\": true},"),
  ...["", "OtherSet", "$(touch owned)", "../x", "__proto__", long].map((stackSetId) => watching({ stackSetId })),
  ...[
    [],
    [["update", 0]],
    [["update", 1e9]],
    [["destroy", 1]],
    [["__proto__", 1]],
    many(20_000).map(() => ["update", 1])
  ].map(
    (ran) => watching({ ran })
  ),
  ...["", "../x", "a\nb", "__proto__", long].flatMap((operationId) => [
    watching({ operationId }),
    token({ stackSetId: "MyStackSet", ran: [], waitingFor: operationId })
  ]),
  ...[-1, -8e15, 8e15, 1.5].flatMap((number) => [
    watching({ idleSince: number }),
    watching({ progress: { round: number, done: number, failed: number, total: number } }),
    watching({ progress: { token: "x", total: "all" } }),
    token({}, { startedAt: number })
  ]),
  ...["__proto__", "../x", "a\nb", "\ud800", long].map((firstJobId) =>
    token({ stackSetId: "MyStackSet", ran: [] }, { firstJobId })
  )
]

scenario("a continuation token is only text, whatever it contains", ({ answered }) =>
  Effect.gen(function*() {
    const { calls } = yield* StackSetsServer
    for (const continuationToken of oddTokens) {
      const name = continuationToken.slice(0, 250)
      const { outcome } = yield* answered(name, { userParameters: parameters({}), data: { continuationToken } })
      assert.notInclude(outcome?.message, "unexpectedly", name)
    }
    for (const { operation, parameters: { StackSetName = "" } } of calls) {
      assert.notMatch(operation, /^Delete/)
      assert.match(String(StackSetName), /^(MyStackSet(:[-a-f0-9]{36})?)?$/)
    }
  }))
