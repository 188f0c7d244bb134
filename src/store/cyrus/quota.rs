//! Quota roots: what may be used under a mailbox's name, and what is used.
//!
//! | `quota_db` | key | value |
//! |---|---|---|
//! | `quotalegacy` | the file of the root | the value below and a line end |
//! | any other | the root's name | the value below |
//!
//! The value is `%(S (used [limit]) M (…) AS (…) NF (…) [SCAN %(MBOX name S used M … AS … NF …)] MODSEQ n)`: storage,
//! messages, annotation storage, folders. Used storage is in bytes, its limits in units of 1024. No limit: unlimited.
//! `SCAN` is there while `quota -f` runs. Before 2.5 it was `used limit [M used limit]` with `-1` for unlimited, in a
//! file with a line end behind the first number. A file is replaced by one written beside it, under a lock on the one that
//! is replaced. Source: `quota_parseval`, `quota_write`, `quota_findroot` (imap/quota_db.c), lib/cyrusdb_quotalegacy.c,
//! `mboxlist_setquotas`; 3.6.1 and 3.12.3 write the same.

use super::{
    db_error::DbError,
    disk::{Deadline, Disk, DiskFile, Lock, Mode, lock_named},
    options::{CyrusOptions, VirtualDomains},
    twoskip::Durability,
};
use crate::{
    dlist::{KvList, Value, Writer, parse},
    types::{InvalidName, MailboxName, ModSeq},
    wire::LiteralForm,
};
use std::{
    fmt,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// The name of a quota root: a mailbox's name, or a domain and `!` for a whole domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QuotaRoot(Box<str>);

impl QuotaRoot {
    /// Parses a root's name; none may hold `*`, `%` or `?` (`mboxlist_setquotas`).
    ///
    /// # Errors
    /// [`InvalidName`]
    pub fn parse(name: &[u8]) -> Result<QuotaRoot, InvalidName> {
        if let Some(byte) = name.iter().find(|byte| b"*%?".contains(byte)) {
            return Err(InvalidName::Character { byte: *byte });
        }
        // A domain's root is checked as a mailbox in that domain.
        let as_mailbox = if name.ends_with(b"!") { [name, b"x"].concat() } else { name.to_vec() };
        let checked = MailboxName::parse(&as_mailbox)?;
        let length = checked.as_str().len() - (as_mailbox.len() - name.len());
        checked.as_str().get(..length).map(|root| QuotaRoot(root.into())).ok_or(InvalidName::Empty)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a user's, so that its modseq comes from the user's counters.
    pub fn mailbox(&self) -> Option<MailboxName> {
        MailboxName::parse(self.0.as_bytes()).ok()
    }
}

impl fmt::Display for QuotaRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roots that a mailbox may belong to, nearest first: itself, what it is below, its domain (`quota_findroot`). It
/// belongs to the first that exists.
pub fn root_candidates(options: &CyrusOptions, mailbox: &MailboxName) -> Vec<QuotaRoot> {
    let name = mailbox.as_str();
    let ends =
        name.match_indices('.').map(|(end, _)| end).filter(|end| *end >= name.len() - mailbox.local_part().len());
    let mut ends: Vec<usize> = ends.chain([name.len()]).collect();
    ends.reverse();
    if options.virtual_domains != VirtualDomains::Off
        && let Some(domain) = mailbox.domain()
    {
        ends.push(domain.len() + 1);
    }
    let prefixes = ends.into_iter().filter_map(|end| name.get(..end));
    prefixes.filter_map(|prefix| QuotaRoot::parse(prefix.as_bytes()).ok()).collect()
}

/// What quotas count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource {
    /// Bytes of messages; limits in units of 1024.
    Storage,
    /// Messages.
    Messages,
    /// Bytes of annotations; limits in units of 1024.
    AnnotationStorage,
    /// Mailboxes.
    Folders,
}

const RESOURCES: usize = 4;
const KEYS: [&str; RESOURCES] = ["S", "M", "AS", "NF"];

/// An amount of each resource, in the order of [`Resource`].
pub type Amounts = [i64; RESOURCES];

/// A quota root's limits and use.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    /// Used, in bytes or numbers.
    pub used: Amounts,
    /// Limits, in units of 1024 bytes or numbers; `None`: unlimited.
    pub limits: [Option<i64>; RESOURCES],
    /// How far `quota -f` has come, while it runs.
    pub scan: Option<QuotaScan>,
    /// The modseq of the last change.
    pub modseq: ModSeq,
}

/// A run of `quota -f`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct QuotaScan {
    /// The last mailbox that was counted; names up to it are counted again when they change.
    pub mailbox: Vec<u8>,
    /// What was counted.
    pub used: Amounts,
}

impl Quota {
    /// Reads a value; `None` for one that cannot be read.
    pub fn decode(value: &[u8]) -> Option<Quota> {
        match value.first()? {
            b'%' => decode_pairs(parse(value).ok()?.kvlist()?),
            _ => decode_words(std::str::from_utf8(value).ok()?),
        }
    }

    /// The value.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(LiteralForm::NonSync);
        out.open_kvlist();
        for ((key, used), limit) in KEYS.iter().zip(self.used).zip(self.limits) {
            out.key(key).open_list().number(used.cast_unsigned());
            if let Some(limit) = limit {
                out.number(limit.cast_unsigned());
            }
            out.close();
        }
        if let Some(scan) = &self.scan {
            out.key("SCAN").open_kvlist().key("MBOX").atom(&scan.mailbox);
            for (key, used) in KEYS.iter().zip(scan.used) {
                out.key(key).number(used.cast_unsigned());
            }
            out.close();
        }
        out.key("MODSEQ").number(self.modseq.0).close().take().to_vec()
    }

    /// The limit on a resource.
    pub fn limit(&self, resource: Resource) -> Option<i64> {
        self.limits[resource as usize]
    }

    /// Adds to what is used, or takes away, down to 0; for `mailbox`, also in a count that has passed it
    /// (`quota_update_useds`). Returns whether anything changed.
    pub fn add(&mut self, difference: Amounts, mailbox: &MailboxName) -> bool {
        for (used, difference) in self.used.iter_mut().zip(difference) {
            *used = used.saturating_add(difference).max(0);
        }
        let mut counted = self.scan.as_mut().filter(|scan| mailbox.as_bytes() <= &scan.mailbox[..]);
        for (used, difference) in counted.iter_mut().flat_map(|scan| &mut scan.used).zip(difference) {
            *used = used.saturating_add(difference);
        }
        difference != [0; RESOURCES]
    }
}

fn decode_pairs(pairs: &KvList) -> Option<Quota> {
    let mut quota = Quota::default();
    for (at, key) in KEYS.iter().enumerate() {
        let Some(amounts) = pairs.get(key.as_bytes()).and_then(Value::list) else { continue };
        let mut amounts = amounts.iter().map(Value::number64);
        quota.used[at] = amounts.next().unwrap_or(Some(0))?.cast_signed();
        let limit = amounts.next().map(|limit| limit.map(u64::cast_signed));
        quota.limits[at] = match limit {
            Some(limit) => Some(limit?).filter(|limit| *limit >= 0),
            None => None,
        };
    }
    quota.scan = pairs.get(b"SCAN").and_then(Value::kvlist).and_then(decode_scan);
    quota.modseq = ModSeq(pairs.get(b"MODSEQ").and_then(Value::number64).unwrap_or(0));
    Some(quota)
}

fn decode_scan(pairs: &KvList) -> Option<QuotaScan> {
    let used = KEYS.map(|key| pairs.get(key.as_bytes()).and_then(Value::number64).unwrap_or(0).cast_signed());
    Some(QuotaScan { mailbox: pairs.get(b"MBOX")?.atom()?.to_vec(), used })
}

/// `used limit [left over by quota -f] [M used limit …]…`
fn decode_words(value: &str) -> Option<Quota> {
    let mut quota = Quota::default();
    let mut words = value.split_ascii_whitespace().peekable();
    let mut at = Resource::Storage as usize;
    loop {
        quota.used[at] = words.next()?.parse().ok()?;
        quota.limits[at] = Some(words.next()?.parse().ok()?).filter(|limit| *limit >= 0);
        words.next_if(|word| word.parse::<i64>().is_ok());
        let Some(key) = words.next() else { return Some(quota) };
        at = KEYS.iter().position(|name| name.eq_ignore_ascii_case(key))?;
    }
}

/// The file of one quota root under its lock, for `quota_db: quotalegacy`.
#[derive(Debug)]
pub struct QuotaFile<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    _file: Box<dyn DiskFile>,
    quota: Option<Quota>,
}

/// The longest file that is read: a value is some 200 bytes, and a mailbox's name.
const MAX_FILE: usize = 8192;

impl<'a> QuotaFile<'a> {
    /// Opens and locks a root's file; `None` where there is none and none is to be made.
    ///
    /// # Errors
    /// [`DbError`]: `Locked` at the deadline, or the system's error.
    pub fn lock(
        disk: &'a dyn Disk,
        path: &Path,
        make: bool,
        deadline: Deadline,
    ) -> Result<Option<QuotaFile<'a>>, DbError> {
        match open_and_lock(disk, path, make, deadline) {
            Ok((file, bytes)) => {
                Ok(Some(QuotaFile { disk, path: path.to_owned(), _file: file, quota: decode_file(&bytes) }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound && !make => Ok(None),
            Err(error) => Err(DbError::io(path, error)),
        }
    }

    /// What the file says; `None` where it was only just made.
    pub fn quota(&self) -> Option<&Quota> {
        self.quota.as_ref()
    }

    /// Writes the file and gives the lock back. With [`Durability::Caller`] a power cut keeps either the
    /// old file or the new one until the caller syncs the directory.
    ///
    /// # Errors
    /// [`DbError`]
    pub fn commit(self, quota: &Quota, durability: Durability) -> Result<(), DbError> {
        self.replace(quota, durability).map_err(|source| DbError::io(&self.path, source))
    }

    /// Removes the file, and with it the root.
    ///
    /// # Errors
    /// [`DbError`]
    pub fn remove(self) -> Result<(), DbError> {
        self.disk.unlink(&self.path).map_err(|source| DbError::io(&self.path, source))
    }

    fn replace(&self, quota: &Quota, durability: Durability) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".NEW");
        let beside = PathBuf::from(beside);
        let file = self.disk.open(&beside, Mode::Create)?;
        file.set_size(0)?;
        file.write_at(0, &[&quota.encode(), b"\n"])?;
        file.sync()?;
        self.disk.rename(&beside, &self.path)?;
        match (durability, self.path.parent()) {
            (Durability::Now, Some(dir)) => self.disk.sync_dir(dir),
            _ => Ok(()),
        }
    }
}

/// Reads a root's file without a lock; `None` where there is no such root.
///
/// # Errors
/// [`DbError::Io`]
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Quota>, DbError> {
    match disk.open(path, Mode::Read).and_then(|file| read_all(file.as_ref())) {
        Ok(bytes) => Ok(decode_file(&bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DbError::io(path, error)),
    }
}

fn decode_file(bytes: &[u8]) -> Option<Quota> {
    Quota::decode(bytes.strip_suffix(b"\n")?)
}

fn open_and_lock(
    disk: &dyn Disk,
    path: &Path,
    make: bool,
    deadline: Deadline,
) -> io::Result<(Box<dyn DiskFile>, Vec<u8>)> {
    let opened = match disk.open(path, if make { Mode::Create } else { Mode::Write }) {
        Err(error) if error.kind() == ErrorKind::NotFound && make => {
            disk.create_dir_all(path.parent().unwrap_or(path))?;
            disk.open(path, Mode::Create)
        }
        opened => opened,
    };
    let mut file = opened?;
    lock_named(disk, path, &mut file, Lock::Exclusive, deadline)?;
    let bytes = read_all(file.as_ref())?;
    Ok((file, bytes))
}

fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; MAX_FILE];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::{
        disk::{RealDisk, testing::TestDir},
        table::testing::{golden_lines, unescaped},
    };
    use std::time::Duration;

    const OLD: &str = include_str!("../../../tests/golden/mboxlist/3.6.1-by-id.txt");
    const NEW: &str = include_str!("../../../tests/golden/mboxlist/3.12.3-by-id.txt");

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
}
