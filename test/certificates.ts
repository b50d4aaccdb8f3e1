// Certificates for servers of https on loopback.
import { readFileSync } from "node:fs"

const file = (name: string) => readFileSync(new URL(`certificates/${name}.pem`, import.meta.url), "utf8")

/** The TLS options of a server. No client trusts these certificates by default. */
export const certificate = (name: "localhost" | "expired" | "elsewhere" | "stranger" | "incomplete") => ({
  key: file("key"),
  cert: file(name)
})
