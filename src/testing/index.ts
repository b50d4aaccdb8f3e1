// What tests of actions need: the services in memory, and a CodePipeline that runs on this machine.
export { ArtifactStoreMemory, type Content } from "./ArtifactStoreMemory.ts"
export type { MemoryRole } from "./cloudFormation/accounts.ts"
export type { MemorySettings } from "./cloudFormation/MemorySettings.ts"
export {
  type CloudFormationInspection,
  CloudFormationMemory,
  type CloudFormationMemoryOptions,
  type MemoryResource
} from "./CloudFormationMemory.ts"
export { CodePipelineMemory } from "./CodePipelineMemory.ts"
export * as LocalPipeline from "./LocalPipeline.ts"
export { StackSetsMemory, type StackSetsMemoryOptions } from "./StackSetsMemory.ts"
export { type PageError, type PageResponse, WebPageMemory } from "./WebPageMemory.ts"
