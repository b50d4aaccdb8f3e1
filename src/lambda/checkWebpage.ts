// The entry point of the built function check-webpage.
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { CheckWebpage } from "../actions/checkWebpage/CheckWebpage.ts"
import { CodePipeline } from "../services/CodePipeline.ts"
import { WebPage } from "../services/WebPage.ts"
import * as Lambda from "./handler.ts"
import { checkWebpagePriming } from "./priming/checkWebpage.ts"

/** Nobody sees the traces of this function: the page is not to record its side of them. */
const untraced = Layer.succeed(HttpClient.TracerPropagationEnabled, false)

export const handler = await Lambda.handler(CheckWebpage, Layer.mergeAll(WebPage.layer, CodePipeline.layer, untraced), {
  priming: checkWebpagePriming
})
