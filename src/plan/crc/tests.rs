//! The checksums that real servers sent for real mailboxes.

use super::*;

struct Sent {
    uid: u32,
    modseq: u64,
    last_updated: i64,
    system_flags: u32,
    user_flags: &'static [&'static str],
    internaldate: i64,
    guid: &'static str,
    expunged: bool,
    thrid: u64,
    savedate: i64,
    createdmodseq: u64,
    comments: &'static [(&'static str, &'static str)],
}

const NOTHING: Sent = Sent {
    uid: 0,
    modseq: 0,
    last_updated: 0,
    system_flags: 0,
    user_flags: &[],
    internaldate: 0,
    guid: "",
    expunged: false,
    thrid: 0,
    savedate: 0,
    createdmodseq: 0,
    comments: &[],
};

/// Both checksums of a mailbox with index version 19.
fn sums(records: &[Sent]) -> (u32, u32) {
    let mut sums = (0, 12_345_678);
    for sent in records {
        let facts = RecordFacts {
            uid: sent.uid,
            modseq: ModSeq(sent.modseq),
            last_updated: sent.last_updated,
            internaldate: sent.internaldate,
            system_flags: SystemFlags(sent.system_flags),
            user_flags: sent.user_flags.iter().fold(0, |all, name| all ^ flag(name.as_bytes())),
            guid: Guid::from_hex(sent.guid.as_bytes()).unwrap(),
            expunged: sent.expunged,
        };
        let virtual_facts = VirtualFacts {
            uid: sent.uid,
            cid: sent.thrid,
            savedate: sent.savedate,
            createdmodseq: ModSeq(sent.createdmodseq),
            expunged: sent.expunged,
            ..VirtualFacts::default()
        };
        sums.0 ^= basic(&facts);
        sums.1 ^= virtual_annotations(&virtual_facts, 19);
        for (userid, value) in sent.comments {
            sums.1 ^= annotation(sent.uid, b"/comment", userid.as_bytes(), value.as_bytes());
        }
    }
    sums
}

#[test]
fn a_mailbox_of_3_12_without_conversations_has_the_sums_it_sent() {
    const AT: i64 = 1_795_464_234;
    let same = Sent { last_updated: AT, internaldate: AT, savedate: AT, ..NOTHING };
    let records = [
        Sent {
            uid: 1,
            modseq: 7,
            user_flags: &["$Label1", "Foo"],
            guid: "785ec164963ae873b54bdd771f152e4332bab92a",
            createdmodseq: 2,
            ..same
        },
        Sent {
            uid: 2,
            modseq: 9,
            system_flags: SystemFlags::DELETED | SystemFlags::SEEN,
            expunged: true,
            guid: "5e944751bdbf44783966f413d11fa73e4556bc8a",
            createdmodseq: 3,
            ..same
        },
        Sent { uid: 3, modseq: 4, guid: "b0d2748d92009def42a21e6de64bb55c611bad76", createdmodseq: 4, ..same },
        Sent {
            uid: 4,
            modseq: 5,
            system_flags: SystemFlags::SEEN,
            guid: "312bd0ee2bab8ecf016456bcd8074189e2fbe9a6",
            createdmodseq: 5,
            ..same
        },
        Sent { uid: 5, modseq: 6, guid: "2989c6b6f097401f559c6a8f256b659ffb470793", createdmodseq: 6, ..same },
    ];
    assert_eq!(sums(&records), (2_524_710_074, 3_367_481_863));
}

#[test]
fn a_mailbox_of_3_12_with_conversations_and_annotations_has_the_sums_it_sent() {
    const AT: i64 = 1_795_465_539;
    use SystemFlags as F;
    let row = |uid, modseq, system_flags, user_flags, guid, thrid, createdmodseq, comments| Sent {
        uid,
        modseq,
        system_flags,
        user_flags,
        guid,
        thrid,
        createdmodseq,
        comments,
        last_updated: AT,
        internaldate: AT,
        savedate: AT,
        expunged: false,
    };
    let first: &[_] = &[("", "shared one"), ("u1", "private one")];
    let (none, labels): (&[_], &[_]) = (&[], &["$Label1", "NonJunk"]);
    let records = [
        row(1, 16, F::SEEN, none, "785ec164963ae873b54bdd771f152e4332bab92a", 0xe9ad_1885_9d53_e361, 6, first),
        row(
            2,
            7,
            F::ANSWERED | F::FLAGGED,
            none,
            "5e944751bdbf44783966f413d11fa73e4556bc8a",
            0xcf67_9eb0_b6d6_4f6a,
            7,
            &[],
        ),
        row(3, 8, F::DRAFT, none, "b0d2748d92009def42a21e6de64bb55c611bad76", 0x2121_ad6c_9969_96fd, 8, &[]),
        row(4, 18, 0, none, "312bd0ee2bab8ecf016456bcd8074189e2fbe9a6", 0xa0d8_090f_20c2_85dd, 9, &[("", "four")]),
        row(5, 10, 0, labels, "2989c6b6f097401f559c6a8f256b659ffb470793", 0xb87a_1f57_fbfe_4b0d, 10, &[]),
        row(
            6,
            11,
            F::FLAGGED | F::SEEN,
            &["MiXeD"],
            "80b6b269bfd2d9cb6699f7a9b8782689d0d586f6",
            0x1145_6b88_b4bb_d2d9,
            11,
            &[],
        ),
        row(7, 12, F::DELETED, none, "2b780b4df258f7f9871612f1439b6cca00aebde5", 0xba8b_d2ac_f931_fceb, 12, &[]),
        // The first digit of this conversation is 0: it is summed without it.
        row(8, 13, 0, none, "9b29db86dd61b8857fce14c99fc5039ea3e45c9e", 0x0ada_0267_d608_b397, 13, &[]),
    ];
    assert_eq!(sums(&records), (3_729_922_114, 4_093_300_615));
}

#[test]
fn which_annotations_are_in_the_record_depends_on_the_version() {
    for (name, since) in
        [("thrid", 13), ("savedate", 15), ("createdmodseq", 16), ("internaldate.nsec", 20), ("basethrid", 20)]
    {
        let entry = format!("/vendor/cmu/cyrus-imapd/{name}");
        for version in 10..=20 {
            assert_eq!(is_virtual(entry.as_bytes(), version), version >= since, "{name} in version {version}");
        }
        assert!(!is_virtual(name.as_bytes(), 20));
    }
    assert!(!is_virtual(b"/vendor/cmu/cyrus-imapd/snoozed", 20));
    let all = VirtualFacts {
        uid: 1,
        cid: 0x1234_5678_9abc_def0,
        savedate: 1,
        createdmodseq: ModSeq(1),
        internaldate_nanoseconds: 1,
        basecid: 1,
        expunged: false,
    };
    let sums: Vec<u32> = (12..=20).map(|version| virtual_annotations(&all, version)).collect();
    assert_eq!(sums[0], 0);
    assert!(sums[1] == sums[2] && sums[2] != sums[3] && sums[3] != sums[4] && sums[4] == sums[7] && sums[7] != sums[8]);
    assert_eq!(virtual_annotations(&VirtualFacts { expunged: true, ..all }, 20), 0);
}

#[test]
fn flags_count_whatever_their_case_and_their_numbers() {
    assert_eq!(flag(b"NonJunk"), flag(b"nonjunk"));
    let long = [b'A'; 5000];
    assert_eq!(flag(&long), flag(&long[..4095]), "the reference looks at no more");
    assert_ne!(flag(&long), flag(&long[..4094]));

    let names = [Some(&b"a"[..]), None, Some(b"b")];
    let table = FlagCrcs::new(names.into_iter().chain([None; 30]).chain([Some(&b"c"[..])]));
    assert_eq!(table.of(&[0b111, 0b10, 0, 0]), flag(b"a") ^ flag(b"b") ^ flag(b"c"));
    assert_eq!(table.of(&[0b101, 0, 0, 0]), flag(b"b") ^ flag(b"a"));
    assert_eq!(table.of(&[0b010, 1, 0, 1 << 31]), 0, "bits without a name");
}

#[test]
fn the_sums_of_system_flags_are_those_of_their_names() {
    for (bit, name, sum) in SYSTEM_FLAGS {
        assert_eq!(flag(name), sum, "{bit:x}");
    }
}

#[test]
fn numbers_are_printed_as_the_reference_prints_them() {
    for number in [0, 1, 9, 10, u64::MAX] {
        assert_eq!(Line::default().number(number).bytes(), number.to_string().as_bytes());
        for least in [1, LONGEST_HEX] {
            let mut line = Line::default();
            line.conversation(number, least);
            assert_eq!(line.bytes(), format!("{number:0least$x}").as_bytes());
        }
    }
    for number in [i64::MIN, -1, 0, i64::MAX] {
        assert_eq!(Line::default().signed(number).bytes(), number.to_string().as_bytes());
    }
}
