// Limits the CPU of a process like Lambda, in proportion to its memory, with Linux's cgroups.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"

/** From this memory size in MB, a function has a whole CPU. Source: "Configure Lambda function memory", Lambda's guide. */
export const megabytesOfCpu = 1_769

/** The period of the limit in microseconds, as third parties have measured it on Lambda. */
const period = 20_000

export interface CpuLimit {
  /** Applies to the process, with all its threads, from now on. */
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

/** Creates a limit. Throws the system's error if this machine does not allow it. */
export const cpuLimit = (megabytes: number): CpuLimit => {
  const version = versions.find(({ folder }) => existsSync(join(folder, "cgroup.procs")))
  if (version === undefined) throw new Error("this machine has no cgroups")
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
