// Stands in for `@aws-sdk/credential-provider-node` in the built functions: Lambda has the credentials in the environment.
// The rest of the chain (SSO, profiles, web identities, other containers, EC2) is left to those who run the package elsewhere.
import { fromEnv } from "@aws-sdk/credential-provider-env"

export const defaultProvider = fromEnv
