// Limits the CPU of a process as Lambda does: a share of time by the size of its memory, by means of Linux's cgroups.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { megabytesOfCpu } from "../../src/lambda/priming/replay.ts"

/** Microseconds in which the share is given: as short as third parties have seen it on Lambda, so that it is smooth. */
const period = 20_000

export interface CpuLimit {
  /** What the process, with all its threads, may use from now on. */
  apply(pid: number): void
  remove(): void
}

interface Version {
  readonly folder: string
  limit(folder: string, quota: number): void
}

const versions: ReadonlyArray<Version> = [
  {
    folder: "/sys/fs/cgroup/cpu",
    limit: (folder, quota) => {
      writeFileSync(join(folder, "cpu.cfs_period_us"), `${period}`)
      writeFileSync(join(folder, "cpu.cfs_quota_us"), `${quota}`)
    }
  },
  { folder: "/sys/fs/cgroup", limit: (folder, quota) => writeFileSync(join(folder, "cpu.max"), `${quota} ${period}`) }
]

/** Throws, with the system's words, where this machine does not let us. */
export const cpuLimit = (megabytes: number): CpuLimit => {
  const version = versions.find(({ folder }) => existsSync(join(folder, "cgroup.procs")))
  if (version === undefined) throw new Error("there are no cgroups here")
  const folder = join(version.folder, `effect-codepipeline-${process.pid}-${megabytes}`)
  mkdirSync(folder)
  try {
    version.limit(folder, Math.round(period * megabytes / megabytesOfCpu))
  } catch (error) {
    rmdirSync(folder)
    throw error
  }
  return {
    apply: (pid) => writeFileSync(join(folder, "cgroup.procs"), `${pid}`),
    remove: () => rmdirSync(folder)
  }
}
