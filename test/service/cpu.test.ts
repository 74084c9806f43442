import assert from "node:assert/strict"
import { test } from "node:test"
import { cpuQuota, workersFor } from "../../src/service/cpu.ts"

function quotaOf(files: Readonly<Record<string, string>>) {
  return cpuQuota((path) => files[path])
}

test("reads the quota of cgroup v2", () => {
  const self = { "/proc/self/cgroup": "0::/kubepods/pod1\n" }
  assert.equal(quotaOf({ ...self, "/sys/fs/cgroup/kubepods/pod1/cpu.max": "250000 100000\n" }), 2.5)
  assert.equal(
    quotaOf({ ...self, "/sys/fs/cgroup/kubepods/pod1/cpu.max": "max 100000\n" }),
    undefined,
  )
})

test("reads it at the root that a container sees as its own", () => {
  const files = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "50000 100000\n" }
  assert.equal(quotaOf(files), 0.5)
})

test("takes the smallest on the way to the root", () => {
  const files = {
    "/proc/self/cgroup": "0::/a/b\n",
    "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
    "/sys/fs/cgroup/cpu.max": "400000 100000\n",
  }
  assert.equal(quotaOf(files), 1.5)
})

test("reads the quota of cgroup v1, wherever its controller is mounted", () => {
  const self = { "/proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/x\n" }
  for (const mount of ["cpu", "cpu,cpuacct"]) {
    const folder = `/sys/fs/cgroup/${mount}/x`
    const limited = {
      [`${folder}/cpu.cfs_quota_us`]: "15000\n",
      [`${folder}/cpu.cfs_period_us`]: "100000\n",
    }
    assert.equal(quotaOf({ ...self, ...limited }), 0.15)
    const unlimited = { ...limited, [`${folder}/cpu.cfs_quota_us`]: "-1\n" }
    assert.equal(quotaOf({ ...self, ...unlimited }), undefined)
  }
})

test("no cgroup, no quota", () => {
  assert.equal(quotaOf({}), undefined)
})

test("workers leave the main thread a share of a quota", () => {
  const workers = (quota: number) => workersFor({ quota, cpus: 8, threadsHavePriority: true })
  assert.deepEqual([0.15, 1, 2, 2.25, 2.5, 4, 100].map(workers), [1, 1, 1, 2, 2, 3, 8])
})

test("without a quota the main thread is kept free by priority, or by a CPU of its own", () => {
  const workers = (cpus: number, threadsHavePriority: boolean) =>
    workersFor({ quota: undefined, cpus, threadsHavePriority })
  assert.equal(workers(8, true), 8)
  assert.equal(workers(8, false), 7)
  assert.equal(workers(1, false), 1)
})
