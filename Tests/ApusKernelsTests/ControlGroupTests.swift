import ApusKernels
import Testing

@Suite("Quota of control groups")
struct ControlGroupTests {
    private func quota(_ membership: String, _ files: [String: String]) -> Double? {
        ControlGroup.quota(membership: membership) { files[$0] }
    }

    @Test("The smallest quota on the way to the root counts")
    func nested() {
        let files = [
            "/sys/fs/cgroup/a/cpu.max": "300000 100000\n", "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/a/b/c/cpu.max": "50000 100000\n", "/sys/fs/cgroup/z/cpu.max": "1 100000\n",
        ]
        #expect(quota("0::/a\n", files) == 3)
        #expect(quota("0::/a/b\n", files) == 3)
        #expect(quota("0::/a/b/c\n", files) == 0.5)
        #expect(quota("0::/\n", files) == nil)
        #expect(quota("0::/y\n", files) == nil)
    }

    @Test("Where a container hides its path, the group seen as the root counts")
    func container() {
        #expect(quota("0::/docker/1f\n", ["/sys/fs/cgroup/cpu.max": "150000 100000\n"]) == 1.5)
    }

    @Test("In the first version the tree of the controller cpu counts", arguments: ["cpu", "cpu,cpuacct"])
    func firstVersion(tree: String) {
        let files = [
            "/sys/fs/cgroup/\(tree)/a/cpu.cfs_quota_us": "200000\n",
            "/sys/fs/cgroup/\(tree)/a/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/\(tree)/a/b/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/\(tree)/a/b/cpu.cfs_period_us": "100000\n",
        ]
        #expect(quota("4:memory:/c\n3:\(tree):/a/b\n2:cpuset:/\n0::/\n", files) == 2)
        #expect(quota("3:\(tree):/\n", files) == nil)
        #expect(quota("3:cpuset:/a\n", files) == nil)
    }

    @Test(
        "What is no quota sets no limit",
        arguments: ["", "max 100000", "100000", "100000 0", "-1 100000", "many 100000", "1 2 3"])
    func malformed(text: String) {
        #expect(quota("0::/a", ["/sys/fs/cgroup/a/cpu.max": text]) == nil)
        #expect(quota("nonsense\n\n", ["/sys/fs/cgroup/cpu.max": text]) == nil)
    }
}
