import SIPMessages
import Testing

/// The vectors belong to the reference implementation's key 00 01 … 0f and messages 00, 00 01, 00 01 02 …
@Suite("SipHash (Aumasson and Bernstein, 2012)")
struct SipHashTests {
    static let octets: [UInt8] = Array(0..<64)
    static let key = SipHashKey(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)

    /// `vectors_sip64` of the reference implementation; the sixteenth is also in appendix A of the paper.
    static let vectors24: [UInt64] = [
        0x726F_DB47_DD0E_0E31, 0x74F8_39C5_93DC_67FD, 0x0D6C_8009_D9A9_4F5A, 0x8567_6696_D7FB_7E2D,
        0xCF27_94E0_2771_87B7, 0x1876_5564_CD99_A68D, 0xCBC9_466E_58FE_E3CE, 0xAB02_00F5_8B01_D137,
        0x93F5_F579_9A93_2462, 0x9E00_82DF_0BA9_E4B0, 0x7A5D_BBC5_94DD_B9F3, 0xF4B3_2F46_226B_ADA7,
        0x751E_8FBC_860E_E5FB, 0x14EA_5627_C084_3D90, 0xF723_CA90_8E7A_F2EE, 0xA129_CA61_49BE_45E5,
        0x3F2A_CC7F_57C2_9BDB, 0x699A_E9F5_2CBE_4794, 0x4BC1_B3F0_968D_D39C, 0xBB6D_C91D_A779_61BD,
        0xBED6_5CF2_1AA2_EE98, 0xD0F2_CBB0_2E3B_67C7, 0x9353_6795_E3A3_3E88, 0xA80C_038C_CD5C_CEC8,
        0xB8AD_50C6_F649_AF94, 0xBCE1_92DE_8A85_B8EA, 0x17D8_35B8_5BBB_15F3, 0x2F2E_6163_076B_CFAD,
        0xDE4D_AAAC_A71D_C9A5, 0xA6A2_5066_8795_6571, 0xAD87_A353_5C49_EF28, 0x32D8_92FA_D841_C342,
        0x7127_512F_72F2_7CCE, 0xA7F3_2346_F959_78E3, 0x12E0_B01A_BB05_1238, 0x15E0_34D4_0FA1_97AE,
        0x314D_FFBE_0815_A3B4, 0x0279_90F0_2962_3981, 0xCADC_D4E5_9EF4_0C4D, 0x9ABF_D876_6A33_735C,
        0x0E3E_A96B_5304_A7D0, 0xAD0C_42D6_FC58_5992, 0x1873_06C8_9BC2_15A9, 0xD4A6_0ABC_F379_2B95,
        0xF935_451D_E4F2_1DF2, 0xA953_8F04_1975_5787, 0xDB9A_CDDF_F56C_A510, 0xD06C_98CD_5C09_75EB,
        0xE612_A3CB_9ECB_A951, 0xC766_E62C_FCAD_AF96, 0xEE64_435A_9752_FE72, 0xA192_D576_B245_165A,
        0x0A87_87BF_8ECB_74B2, 0x81B3_E73D_20B4_9B6F, 0x7FA8_220B_A3B2_ECEA, 0x2457_31C1_3CA4_2499,
        0xB78D_BFAF_3A8D_83BD, 0xEA1A_D565_322A_1A0B, 0x60E6_1C23_A379_5013, 0x6606_D7E4_4628_2B93,
        0x6CA4_ECB1_5C5F_91E1, 0x9F62_6DA1_5C96_25F3, 0xE51B_3860_8EF2_5F57, 0x958A_324C_EB06_4572,
    ]

    /// The same messages with c = 1 and d = 3, as OpenSSL computes them.
    static let vectors13: [UInt64] = [
        0xABAC_0158_050F_C4DC, 0xC9F4_9BF3_7D57_CA93, 0x82CB_9B02_4DC7_D44D, 0x8BF8_0AB8_E7DD_F7FB,
        0xCF75_5760_88D3_8328, 0xDEF9_D52F_4953_3B67, 0xC50D_2B50_C59F_22A7, 0xD392_7D98_9BB1_1140,
        0x3690_9511_8D29_9A8E, 0x25A4_8EB3_6C06_3DE4, 0x79DE_85EE_92FF_097F, 0x70C1_18C1_F94D_C352,
        0x78A3_84B1_57B4_D9A2, 0x306F_760C_1229_FFA7, 0x605A_A111_C0F9_5D34, 0xD320_D86D_2A51_9956,
        0xCC4F_DD1A_7D90_8B66, 0x9CF2_6890_63DB_D80C, 0x8FFC_389C_B473_E63E, 0xF21F_9DE5_8D29_7D1C,
        0xC0DC_2F46_A6CC_E040, 0xB992_ABFE_2B45_F844, 0x7FFE_7B9B_A320_872E, 0x525A_0E7F_DAE6_C123,
        0xF464_AEB2_6734_9C8C, 0x45CD_5928_705B_0979, 0x3A3E_35E3_CA99_13A5, 0xA91D_C74E_4ADE_3B35,
        0xFB0B_ED02_EF6C_D00D, 0x88D9_3CB4_4AB1_E1F4, 0x540F_11D6_43C5_E663, 0x2370_DD1F_8C21_D1BC,
        0x8115_7B6C_16A7_B60D, 0x4D54_B9E5_7A8F_F9BF, 0x759F_1278_1F2A_753E, 0xCEA1_A3BE_BF18_6B91,
        0x2CF5_08D3_ADA2_6206, 0xB610_1C2D_A3C3_3057, 0xB3F4_7496_AE3A_36A1, 0x626B_5754_7B10_8392,
        0xC1D2_3632_99E4_1531, 0x667C_C192_3F1A_D944, 0x6570_4FFE_C813_8825, 0x24F2_80D1_C289_49A6,
        0xC2CA_1CED_FAF8_876B, 0xC216_4BFC_9F04_2196, 0xA16E_9C93_68B1_D623, 0x49FB_169C_8B51_14FD,
        0x9F31_43F8_DF07_4C46, 0xC6FD_AF24_12CC_86B3, 0x7EAF_49D1_0A52_098F, 0x1CF3_1355_9D29_2F9A,
        0xC44A_30DD_A2F4_1F12, 0x36FA_E989_43A7_1ED0, 0x318F_B34C_73F0_BCE6, 0xA27A_BF36_70A7_E980,
        0xB4BC_C0DB_243C_6D75, 0x23F8_D852_FDB7_1513, 0x8F03_5F4D_A67D_8A08, 0xD89C_D0E5_B7E8_F148,
        0xF6F4_E6BC_F7A6_44EE, 0xAEC5_9AD8_0F18_37F2, 0xC3B2_F615_4B66_94E0, 0x9D19_9062_B7BB_B3A8,
    ]

    @Test("SipHash-2-4 of every length from 0 to 63 octets is the reference implementation's", arguments: 0..<64)
    func matchesReference24(count: Int) {
        #expect(SipHash24.hash(Self.octets.span, 0..<count, key: Self.key) == Self.vectors24[count])
    }

    @Test("SipHash-1-3 of every length from 0 to 63 octets is OpenSSL's", arguments: 0..<64)
    func matchesReference13(count: Int) {
        #expect(SipHash13.hash(Self.octets.span, 0..<count, key: Self.key) == Self.vectors13[count])
    }

    @Test("A message taken in pieces hashes like the whole, wherever the pieces part", arguments: 0...63)
    func joinsPieces(split: Int) {
        var hasher = SipHash24(key: Self.key)
        hasher.combine(Self.octets.span, 0..<split)
        hasher.combine(Self.octets.span, split..<63)
        #expect(hasher.finish() == Self.vectors24[63])
    }

    @Test("A word hashes like its octets from the lowest to the highest, at any offset", arguments: 0...16)
    func takesWords(offset: Int) {
        var word: UInt64 = 0
        for i in 0..<8 { word |= UInt64(Self.octets[offset + i]) << UInt64(8 * i) }
        var hasher = SipHash13(key: Self.key)
        hasher.combine(Self.octets.span, 0..<offset)
        hasher.combine(word)
        hasher.combine(Self.octets.span, (offset + 8)..<(offset + 11))
        #expect(hasher.finish() == Self.vectors13[offset + 11])
    }

    @Test("Names that differ only in the case of their letters hash alike when that is asked for")
    func ignoresCase() {
        func hash(_ text: String) -> UInt64 {
            var hasher = SipHash13(key: Self.key)
            let octets = Array(text.utf8)
            hasher.combine(lowercasing: octets.span, 0..<octets.count)
            return hasher.finish()
        }
        let lower = Array("biloxi.example.com".utf8)
        #expect(hash("Biloxi.EXAMPLE.com") == SipHash13.hash(lower.span, 0..<lower.count, key: Self.key))
        #expect(hash("biloxi.example.con") != hash("biloxi.example.com"))
    }

    @Test("A key is read little-endian from 16 octets, and from no fewer")
    func readsKey() throws {
        let whole = SipHashKey(Self.octets.span.extracting(0..<16))
        let key = try #require(whole)
        #expect(SipHash24.hash(Self.octets.span, 0..<15, key: key) == 0xA129_CA61_49BE_45E5)
        let short = SipHashKey(Self.octets.span.extracting(0..<15))
        #expect(short == nil)
    }

    @Test("Another key gives another hash")
    func dependsOnKey() {
        let other = SipHashKey(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0909)
        #expect(SipHash13.hash(Self.octets.span, 0..<8, key: other) != Self.vectors13[8])
    }
}
