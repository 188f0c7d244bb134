use super::{file::decode_file, *};
use crate::store::cyrus::{
    disk::{Deadline, Durability, RealDisk, testing::TestDir},
    table::testing::{Map, golden_lines, unescaped},
};
use crate::types::ModSeq;
use std::time::Duration;

const OLD: &str = include_str!("../../../../tests/golden/mboxlist/3.6.1-by-id.txt");
const NEW: &str = include_str!("../../../../tests/golden/mboxlist/3.12.3-by-id.txt");

#[test]
fn what_cyrus_wrote_is_read_and_written_back() {
    for text in [OLD, NEW] {
        for root in ["s/shared", "u/user.u1", "u/user.u1.a"] {
            let bytes = unescaped(golden_lines(text, &format!("conf/quota/{root}"))[0]);
            let quota = decode_file(&bytes).unwrap();
            assert_eq!([&quota.encode()[..], b"\n"].concat(), bytes, "{root}");
        }
    }
    let scan = b"%(S (1 2) M (0) AS (0) NF (0) SCAN %(MBOX \"user.a b\" S 3 M 4 AS 5 NF 6) MODSEQ 7)";
    assert_eq!(Quota::decode(scan).unwrap().encode(), scan);
}

#[test]
fn limits_and_use_are_told_apart() {
    let quota = Quota::decode(b"%(S (10 20) M (3) AS (0 18446744073709551615) MODSEQ 4)").unwrap();
    assert_eq!(quota.used, [10, 3, 0, 0]);
    assert_eq!(quota.limit(Resource::Storage), Some(20));
    assert_eq!(quota.limit(Resource::AnnotationStorage), None);
    let old = Quota::decode(b"5000\n100 77 M 3 -1").unwrap();
    assert_eq!((old.used, old.limits), ([5000, 3, 0, 0], [Some(100), None, None, None]));
}

#[test]
fn use_does_not_fall_below_zero() {
    let mut quota = Quota { used: [5, 1, 0, 1], ..Quota::default() };
    quota.scan = Some(QuotaScan { mailbox: b"user.u1.b".to_vec(), used: [5, 0, 0, 0] });
    let mailbox = |name: &[u8]| MailboxName::parse(name).unwrap();
    assert!(quota.add([-7, 1, 0, 0], &mailbox(b"user.u1.a")));
    assert!(!quota.add([0; 4], &mailbox(b"user.u1.a")));
    assert!(quota.add([1, 0, 0, 0], &mailbox(b"user.u1.c")));
    assert_eq!(quota.used, [1, 2, 0, 1]);
    assert_eq!(quota.scan.unwrap().used, [-2, 1, 0, 0]);
}

#[test]
fn a_mailbox_belongs_to_the_nearest_root() {
    let candidates = |virtual_domains, name: &[u8]| {
        let options = CyrusOptions { virtual_domains, ..CyrusOptions::new("/conf") };
        let candidates = root_candidates(&options, &MailboxName::parse(name).unwrap());
        candidates.iter().map(QuotaRoot::to_string).collect::<Vec<_>>()
    };
    assert_eq!(candidates(VirtualDomains::Off, b"user.u1.a"), ["user.u1.a", "user.u1", "user"]);
    assert_eq!(
        candidates(VirtualDomains::UserId, b"example.com!user.u1"),
        ["example.com!user.u1", "example.com!user", "example.com!"]
    );
}

#[test]
fn hostile_names_and_values_are_refused() {
    for name in ["", ".", "../x", "a/b", "a*", "a%b", "a?", "!", "..!", "a..b"] {
        assert!(QuotaRoot::parse(name.as_bytes()).is_err(), "{name}");
    }
    for value in [&b""[..], b"%", b"%(", b"%(S (x))", b"1", b"1 x", b"1 2 Q 3 4", b"(1 2)", b"\xff 1"] {
        assert_eq!(Quota::decode(value), None, "{}", value.escape_ascii());
    }
    assert_eq!(Quota::decode(b"%(S 1)"), Some(Quota::default()));
}

#[test]
fn a_root_is_made_changed_and_removed() {
    let dir = TestDir::new("quota");
    let path = dir.path("quota/u/user.u1");
    let lock = |make| QuotaFile::lock(&RealDisk, &path, make, Deadline::after(Duration::from_secs(5))).unwrap();
    assert!(lock(false).is_none());
    assert_eq!(read(&RealDisk, &path).unwrap(), None);
    let file = lock(true).unwrap();
    assert_eq!(file.quota(), None);
    let quota = Quota { limits: [Some(7), None, None, None], ..Quota::default() };
    file.commit(&quota, Durability::Now).unwrap();
    assert_eq!(read(&RealDisk, &path).unwrap(), Some(quota));
    lock(false).unwrap().remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn limits_are_set_and_use_stays() {
    let mut quota = Quota::decode(b"%(S (10 20) M (3) AS (0) NF (1) MODSEQ 4)").unwrap();
    let limits = [None, Some(5), None, None];
    assert!(quota.set_limits(limits, ModSeq(9)));
    assert!(!quota.set_limits(limits, ModSeq(99)));
    assert_eq!((quota.used, quota.limits, quota.modseq), ([10, 3, 0, 1], limits, ModSeq(9)));
    assert!(quota.set_limits([None; RESOURCES], ModSeq(0)));
    assert_eq!(quota.modseq, ModSeq(9));
}

#[test]
fn a_new_root_takes_what_no_root_below_it_has() {
    let root = |name: &[u8]| QuotaRoot::parse(name).unwrap();
    assert!(root(b"user.u1").leaves_alone(&root(b"user.u1.a")));
    assert!(root(b"user.u1").leaves_alone(&root(b"user.u1")));
    assert!(!root(b"user.u1.a").leaves_alone(&root(b"user.u1")));
    assert!(!root(b"user.u1").leaves_alone(&root(b"user.u12")));
}

#[test]
fn roots_can_be_records_of_a_database() {
    let (mut table, root) = (Map::new(), QuotaRoot::parse(b"user.u1").unwrap());
    set(&mut table, &root, &Quota::default()).unwrap();
    assert_eq!(find(&mut table, &root).unwrap(), Some(Quota::default()));
    remove(&mut table, &root).unwrap();
    assert_eq!(find(&mut table, &root).unwrap(), None);
}
