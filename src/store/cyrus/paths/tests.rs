use super::*;
use crate::store::cyrus::quota::QuotaRoot;

fn options() -> CyrusOptions {
    let mut options = CyrusOptions::new("/conf");
    options.partitions.insert(partition(), PartitionDirectories::new("/spool"));
    options.hash_spool = true;
    options.virtual_domains = VirtualDomains::UserId;
    options
}

fn partition() -> Partition {
    Partition::parse(b"default").unwrap()
}

fn by_name(name: &str) -> MailboxPlace {
    let name = MailboxName::parse(name.as_bytes()).unwrap();
    MailboxPlace { partition: partition(), directory: MailboxDirectory::ByName(name) }
}

fn user(name: &str) -> UserId {
    UserId::parse(name.as_bytes()).unwrap()
}

#[test]
fn a_mailbox_lies_under_its_unique_id() {
    let id = UniqueId::parse(b"68sfdjgka240cw09oe3s9s4f").unwrap();
    let place = MailboxPlace { partition: partition(), directory: MailboxDirectory::ById(id) };
    let dir = "/spool/uuid/6/8/68sfdjgka240cw09oe3s9s4f";
    assert_eq!(options().mailbox_data_dir(&place).unwrap(), Path::new(dir));
    assert_eq!(options().message_file(&place, Uid::new(7).unwrap()).unwrap(), Path::new(dir).join("7."));
    assert_eq!(options().meta_file(&place, MetaFile::Index).unwrap(), Path::new(dir).join("cyrus.index"));
}

#[test]
fn a_legacy_mailbox_lies_under_its_name() {
    for (name, dir) in [
        ("user.u1.Sub folder", "/spool/u/user/u1/Sub folder"),
        ("user.jane^doe", "/spool/j/user/jane^doe"),
        ("user.1st", "/spool/q/user/1st"),
        ("shared", "/spool/s/shared"),
        ("shared.news", "/spool/n/shared/news"),
        ("internal!user.u1", "/spool/u/user/u1"),
        ("example.com!user.u1", "/spool/domain/e/example.com/u/user/u1"),
        ("DELETED.user.u1.65A0B1C2", "/spool/u/DELETED/user/u1/65A0B1C2"),
    ] {
        assert_eq!(options().mailbox_data_dir(&by_name(name)).unwrap(), Path::new(dir), "{name}");
    }
}

/// As 3.12.3 laid them out with `hashimapspool`, `fulldirhash` and `virtdomains: userid`.
#[test]
fn full_hashing_is_that_of_the_reference() {
    let options = CyrusOptions { full_dir_hash: true, ..options() };
    for (name, dir) in [
        ("example.com!user.u1.deep", "/spool/domain/O/example.com/C/user/u1/deep"),
        ("example.com!user.jane^doe", "/spool/domain/O/example.com/I/user/jane^doe"),
        ("example.com!shared", "/spool/domain/O/example.com/T/shared"),
        ("example.com!shared.news", "/spool/domain/O/example.com/E/shared/news"),
    ] {
        assert_eq!(options.mailbox_data_dir(&by_name(name)).unwrap(), Path::new(dir), "{name}");
    }
    let seen = options.user_file(&UserPlace::ByName(user("jane.doe@example.com")), "seen");
    assert_eq!(seen, Path::new("/conf/domain/O/example.com/user/I/jane.doe.seen"));
    let shared = options.user_file(&UserPlace::Shared(Some("example.com".to_owned())), "counters");
    assert_eq!(shared, Path::new("/conf/domain/O/example.com/shared.counters"));
    for (root, file) in [
        ("example.com!user.u1", "/conf/domain/O/example.com/quota/C/user.u1"),
        ("example.com!user.jane^doe", "/conf/domain/O/example.com/quota/J/user.jane^doe"),
    ] {
        assert_eq!(options.quota_file(&QuotaRoot::parse(root.as_bytes()).unwrap()), Path::new(file), "{root}");
    }
}

#[test]
fn user_files_lie_under_the_inbox_id_or_the_name() {
    let id = UniqueId::parse(b"16jxj7177lnkldxsu8wzlqbi").unwrap();
    let by_id = options().user_file(&UserPlace::ById(id), "sub");
    assert_eq!(by_id, Path::new("/conf/user/uuid/1/6/16jxj7177lnkldxsu8wzlqbi/sub.db"));
    let by_name = options().user_file(&UserPlace::ByName(user("nobody")), "sub");
    assert_eq!(by_name, Path::new("/conf/user/n/nobody.sub"));
    assert_eq!(options().user_file(&UserPlace::Shared(None), "counters"), Path::new("/conf/shared.counters"));
}

#[test]
fn quota_roots_have_a_file_each() {
    for (root, file) in [
        ("user.u1", "/conf/quota/u/user.u1"),
        ("shared", "/conf/quota/s/shared"),
        ("example.com!", "/conf/domain/e/example.com/quota/root"),
    ] {
        assert_eq!(options().quota_file(&QuotaRoot::parse(root.as_bytes()).unwrap()), Path::new(file), "{root}");
    }
    let off = CyrusOptions { virtual_domains: VirtualDomains::Off, ..options() };
    let root = QuotaRoot::parse(b"example.com!user.u1").unwrap();
    assert_eq!(off.quota_file(&root), Path::new("/conf/quota/c/example.com!user.u1"));
}

#[test]
fn meta_files_follow_the_partitions_options() {
    let mut options = options();
    let directories = PartitionDirectories {
        data: "/spool".into(),
        meta: Some("/meta".into()),
        archive: Some("/archive".into()),
        single: [(MetaFile::Index, "/fast".into())].into(),
    };
    options.partitions.insert(partition(), directories);
    options.metapartition_files = [MetaFile::Header].into();
    let place = by_name("shared");
    for (file, path) in [
        (MetaFile::Header, "/meta/s/shared/cyrus.header"),
        (MetaFile::Index, "/fast/s/shared/cyrus.index"),
        (MetaFile::Annotations, "/fast/s/shared/cyrus.annotations"),
        (MetaFile::Cache, "/spool/s/shared/cyrus.cache"),
        (MetaFile::ArchiveCache, "/archive/s/shared/cyrus.cache"),
    ] {
        assert_eq!(options.meta_file(&place, file).unwrap(), Path::new(path), "{file:?}");
    }
    assert_eq!(options.mailbox_dirs(&place).unwrap().len(), 4);
}

#[test]
fn uploads_wait_beside_the_mailboxes() {
    assert_eq!(options().staging_dir(&partition(), 42).unwrap(), Path::new("/spool/sync./42"));
    let unknown = Partition::parse(b"other").unwrap();
    assert_eq!(options().staging_dir(&unknown, 42), Err(UnknownPartition { partition: unknown.clone() }));
}
