// Certificates for servers of https on loopback.
import { readFileSync } from "node:fs"

const file = (name: string) => readFileSync(new URL(`certificates/${name}.pem`, import.meta.url), "utf8")

/** What a server is made with. Nobody trusts these certificates who is not told to. */
export const certificate = (name: "localhost" | "expired" | "elsewhere" | "stranger") => ({
  key: file("key"),
  cert: file(name)
})
