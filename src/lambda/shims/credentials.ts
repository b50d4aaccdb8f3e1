// Replaces `@aws-sdk/credential-provider-node` in built functions: Lambda passes credentials in the environment. The rest
// of the chain (SSO, profiles, web identities, containers, EC2) is for programs that run elsewhere.
import { fromEnv } from "@aws-sdk/credential-provider-env"

export const defaultProvider = fromEnv
