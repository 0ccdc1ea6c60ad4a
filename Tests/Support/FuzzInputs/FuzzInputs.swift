import Foundation

/// The inputs of the fuzz targets, which the tests replay.
public enum FuzzInputs {
    private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The files of a folder of the package in the order of their names; none where there is no such folder.
    public static func files(in folder: String) -> [[UInt8]] {
        let url = Self.package.appendingPathComponent(folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.sorted().compactMap { (try? Data(contentsOf: url.appendingPathComponent($0))).map { Array($0) } }
    }

    /// What some targets start from, and all that once broke a rule of any.
    public static func of(_ targets: String...) -> [[UInt8]] {
        targets.flatMap { Self.files(in: "Fuzz/seeds/\($0)") } + Self.files(in: "Fuzz/crashers")
    }
}
