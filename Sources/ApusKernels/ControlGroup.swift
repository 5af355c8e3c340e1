/// Linux's control groups, which may grant a process less than the cores it sees.
package enum ControlGroup {
    /// The smallest quota of the groups a process is in, in cores' worth of time; nil where none sets a limit.
    ///
    /// Each group's limit holds for all below it, so the smallest on the way to the root counts. A container
    /// may see its own group as the root and be told the name it has outside; groups without files are passed
    /// over.
    ///
    /// - Parameters:
    ///   - membership: The text of `/proc/self/cgroup`: lines of `number:controllers:path`.
    ///   - contents: Gives the text of a file, or nil where it cannot be read.
    package static func quota(membership: String, contents: (_ path: String) -> String?) -> Double? {
        let quotas = membership.split(separator: "\n").flatMap { line -> [Double] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let names = fields[2].split(separator: "/")
            let groups = (0...names.count).map { count in names.prefix(count).map { "/\($0)" }.joined() }
            // The second version of control groups has one tree for all controllers, and no names of them.
            if fields[1].isEmpty {
                return groups.compactMap { contents("/sys/fs/cgroup\($0)/cpu.max").flatMap(quota(cpuMax:)) }
            }
            guard fields[1].split(separator: ",").contains("cpu") else { return [] }
            let trees = Set(["cpu", String(fields[1])]).map { "/sys/fs/cgroup/\($0)" }
            return trees.flatMap { tree in
                groups.compactMap { group in
                    guard let quota = contents("\(tree)\(group)/cpu.cfs_quota_us"),
                        let period = contents("\(tree)\(group)/cpu.cfs_period_us")
                    else { return nil }
                    return Self.quota(cpuMax: "\(quota) \(period)")
                }
            }
        }
        return quotas.min()
    }

    /// The quota of `quota period`, times in microseconds; nil where the first is `max` or -1.
    private static func quota(cpuMax text: String) -> Double? {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]),
            quota > 0, period > 0
        else { return nil }
        return quota / period
    }
}
