// The entry point of the built function check-webpage.
import * as Layer from "effect/Layer"
import { CheckWebpage } from "../actions/checkWebpage/CheckWebpage.ts"
import { CodePipeline } from "../services/CodePipeline.ts"
import { WebPage } from "../services/WebPage.ts"
import * as Lambda from "./handler.ts"
import { checkWebpagePriming } from "./priming/checkWebpage.ts"

export const handler = await Lambda.handler(CheckWebpage, Layer.mergeAll(WebPage.layer, CodePipeline.layer), {
  priming: checkWebpagePriming
})
