import ApusFormats
import Foundation
import Testing

@Suite struct SHA256Tests {
    @Test(
        "Hashes are those that NIST has published as examples",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ])
    func examples(text: String, digest: String) {
        #expect(SHA256.digest(Data(text.utf8)) == digest)
    }

    @Test("It does not matter in which pieces the bytes come")
    func pieces() {
        let bytes = Data((0..<300).map { UInt8(truncatingIfNeeded: $0 * 31) })
        for length in 0...bytes.count {
            let whole = SHA256.digest(bytes.prefix(length))
            var hash = SHA256()
            for byte in bytes.prefix(length) { hash.update([byte]) }
            #expect(hash.digest == whole)
            var halves = SHA256()
            halves.update(bytes.prefix(length / 2))
            #expect(halves.digest == SHA256.digest(bytes.prefix(length / 2)))
            halves.update(bytes.prefix(length).dropFirst(length / 2))
            #expect(halves.digest == whole)
        }
    }
}
