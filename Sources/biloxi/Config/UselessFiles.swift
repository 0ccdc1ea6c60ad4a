import Foundation
import ServerConfiguration
import ServerCore
import SignallingTransport

extension LoadedConfiguration {
    /// What is wrong with the files that the configuration names: that they cannot be read, or do not hold what they should.
    func uselessFiles() -> [ConfigurationProblem] {
        let unreadable = self.files.filter { !Self.isReadable($0.path) }.map { file in
            let isDirectory = access(file.path, R_OK) == 0
            let reason = isDirectory ? "is a directory" : "cannot be read (\(String(cString: strerror(errno))))"
            return ConfigurationProblem(
                source: file.source,
                message:
                    "\(file.key) names \(file.path), which \(reason): name a file that exists and is readable for this"
                    + " user")
        }
        guard unreadable.isEmpty else { return unreadable }
        return self.uselessCertificate() + self.uselessPasswords()
    }

    private static func isReadable(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
            && access(path, R_OK) == 0
    }

    private func uselessCertificate() -> [ConfigurationProblem] {
        guard let tls = self.configuration.tls else { return [] }
        do throws(TransportError) {
            try TLSSettings(tls).check()
            return []
        } catch {
            // The file that is named last is the one that does not fit the others.
            let file =
                self.files.last { $0.key.hasPrefix("tls.") && error.description.contains($0.path) } ?? self.files.first
            return file.map { [ConfigurationProblem(source: $0.source, message: error.description)] } ?? []
        }
    }

    private func uselessPasswords() -> [ConfigurationProblem] {
        self.files.filter { $0.key.hasSuffix("passwordFile") }.compactMap { file in
            do throws(CommandError) {
                _ = try TrunkSettings.password(file.path)
                return nil
            } catch {
                return ConfigurationProblem(source: file.source, message: error.message)
            }
        }
    }
}
