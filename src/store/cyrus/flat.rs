//! flat: the key-value file of subscriptions: sorted lines of text (lib/cyrusdb_flat.c; the same in 3.6 and 3.12).
//!
//! ```text
//! each line   key, tab, value, newline
//! escapes     0xff 0xff for 0xff; 0xff 0x80 for NUL, 0xff 0x89 tab, 0xff 0x8a newline, 0xff 0x8d carriage return
//! order       by the bytes of the escaped key, '.' below all others; of two keys with the same start the shorter first
//! ```
//!
//! The file is never changed, only replaced: a writer locks it, writes `NAME.NEW` and renames that. Readers take no lock:
//! what they open is whole. It is read whole; it has one line per subscription of one user.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    db_error::{Damage, DbError},
    disk::{Deadline, Disk, DiskFile, Durability, Lock, Mode, lock_named, open_or_make, replace_file},
    twoskip::Create,
};

/// Begins an escape.
const ESCAPE: u8 = 0xff;

/// A flat file.
#[derive(Debug)]
pub struct Flat {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

/// The keys and values of a flat file.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Table(BTreeMap<Order, Entry>);

/// A flat file under its lock, and the changes made to it. Dropping it without [`FlatWriter::commit`] forgets the changes and
/// gives the lock back.
#[derive(Debug)]
pub struct FlatWriter<'a> {
    flat: &'a Flat,
    /// Holds the lock until it is dropped.
    _locked: Box<dyn DiskFile>,
    before: Table,
    /// The keys and values, to be changed.
    pub table: Table,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
}

/// What the lines are sorted by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Order(Vec<u8>);

impl Flat {
    /// Opens a flat file; `None` if it does not exist and shall not be made.
    ///
    /// # Errors
    /// [`DbError::Io`].
    pub fn open(disk: &Arc<dyn Disk>, path: &Path, create: Create) -> Result<Option<Flat>, DbError> {
        let flat = Flat { disk: Arc::clone(disk), path: path.to_owned() };
        match (disk.metadata(path), create) {
            (Ok(_), _) => Ok(Some(flat)),
            (Err(error), Create::No) if error.kind() == ErrorKind::NotFound => Ok(None),
            (Err(error), Create::Yes) if error.kind() == ErrorKind::NotFound => {
                open_or_make(disk.as_ref(), path).map_err(|error| flat.io(error))?;
                Ok(Some(flat))
            }
            (Err(error), _) => Err(flat.io(error)),
        }
    }

    /// All keys and values, as of the last commit.
    ///
    /// # Errors
    /// [`DbError::Damaged`] with the offset of a line that is not complete; [`DbError::Io`].
    pub fn read(&self) -> Result<Table, DbError> {
        let file = self.disk.open(&self.path, Mode::Read).map_err(|error| self.io(error))?;
        self.load(file.as_ref())
    }

    /// Takes the lock that excludes other writers.
    ///
    /// # Errors
    /// [`DbError::Locked`] at the deadline; otherwise as [`Flat::read`].
    pub fn write(&mut self, deadline: Deadline) -> Result<FlatWriter<'_>, DbError> {
        let mut file = self.disk.open(&self.path, Mode::Write).map_err(|error| self.io(error))?;
        lock_named(self.disk.as_ref(), &self.path, &mut file, Lock::Exclusive, deadline)
            .map_err(|error| self.io(error))?;
        let table = self.load(file.as_ref())?;
        Ok(FlatWriter { flat: self, _locked: file, before: table.clone(), table })
    }

    fn load(&self, file: &dyn DiskFile) -> Result<Table, DbError> {
        let bytes = read_all(file).map_err(|error| self.io(error))?;
        Table::decode(&bytes).map_err(|offset| DbError::damaged(&self.path, offset, Damage::Line))
    }

    fn io(&self, error: io::Error) -> DbError {
        DbError::io(&self.path, error)
    }
}

impl FlatWriter<'_> {
    /// Puts the table in the file's place and gives the lock back. Without changes nothing is written.
    ///
    /// With [`Durability::Caller`] a power cut keeps either the old file or the new one until the caller syncs the directory;
    /// the new file's bytes are durable in any case.
    ///
    /// # Errors
    /// [`DbError::Io`]: the old file is still in place, unless it was the sync of the directory that failed.
    pub fn commit(self, durability: Durability) -> Result<(), DbError> {
        if self.table == self.before {
            return Ok(());
        }
        replace_file(self.flat.disk.as_ref(), &self.flat.path, &[&self.table.encode()], durability)
            .map_err(|error| self.flat.io(error))
    }
}

impl Table {
    /// The value of a key.
    pub fn fetch(&self, key: &[u8]) -> Option<&[u8]> {
        self.0.get(&Order::of(&escape(key))).map(|entry| entry.value.as_slice())
    }

    /// Stores a value under a key, in place of the one that was there.
    pub fn store(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(Order::of(&escape(key)), Entry { key: key.to_vec(), value: value.to_vec() });
    }

    /// Deletes a key; whether it was there.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        self.0.remove(&Order::of(&escape(key))).is_some()
    }

    /// The keys and values in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.values().map(|entry| (entry.key.as_slice(), entry.value.as_slice()))
    }

    /// Reads a file (`getentry`); the error is the offset of a line that is not complete.
    fn decode(bytes: &[u8]) -> Result<Table, u64> {
        let mut table = Table::default();
        let mut offset = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let pair = line.strip_suffix(b"\n").and_then(|line| {
                let tab = memchr::memchr(b'\t', line)?;
                Some((line.get(..tab)?, line.get(tab + 1..)?))
            });
            let (key, value) = pair.ok_or(offset)?;
            table.0.insert(Order::of(key), Entry { key: unescape(key), value: unescape(value) });
            offset += line.len() as u64;
        }
        Ok(table)
    }

    /// Writes a file.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, value) in self.iter() {
            bytes.extend_from_slice(&escape(key));
            bytes.push(b'\t');
            bytes.extend_from_slice(&escape(value));
            bytes.push(b'\n');
        }
        bytes
    }
}

impl Order {
    /// The order of an escaped key (`convert_to_compare` in lib/bsearch.c, without the bytes that are escaped).
    fn of(escaped: &[u8]) -> Order {
        let rank = |byte: &u8| match byte {
            b'.' => 2,
            1..=8 => byte + 2,
            _ => *byte,
        };
        Order(escaped.iter().map(rank).collect())
    }
}

/// Escapes a key or value (`encode`).
fn escape(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            0 | b'\t' | b'\r' | b'\n' => escaped.extend_from_slice(&[ESCAPE, byte | 0x80]),
            &ESCAPE => escaped.extend_from_slice(&[ESCAPE, ESCAPE]),
            _ => escaped.push(*byte),
        }
    }
    escaped
}

/// Takes the escapes out (`decode`); one that is cut off is dropped.
fn unescape(escaped: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.iter();
    while let Some(byte) = rest.next() {
        match byte {
            &ESCAPE => bytes.extend(rest.next().map(|byte| if *byte == ESCAPE { ESCAPE } else { byte & 0x7f })),
            _ => bytes.push(*byte),
        }
    }
    bytes
}

fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.metadata()?.size).map_err(|_| ErrorKind::OutOfMemory)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size)?;
    bytes.resize(size, 0);
    let count = file.read_at(0, &mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::cyrus::disk::{
        simulated::SimulatedDisk,
        testing::{contents, disk_for, fail_changes_from},
    };

    const PATH: &str = "/u1.sub";

    fn soon() -> Deadline {
        Deadline::after(Duration::ZERO)
    }

    fn new_disk() -> (SimulatedDisk, Arc<dyn Disk>) {
        let memory = disk_for(Path::new(PATH));
        (memory.clone(), Arc::new(memory))
    }

    fn open(disk: &Arc<dyn Disk>, create: Create) -> Option<Flat> {
        Flat::open(disk, Path::new(PATH), create).unwrap()
    }

    #[test]
    fn a_missing_file_is_made_only_if_asked_for() {
        let (_, disk) = new_disk();
        assert!(open(&disk, Create::No).is_none());
        assert_eq!(open(&disk, Create::Yes).unwrap().read().unwrap(), Table::default());
        assert!(open(&disk, Create::No).is_some());
    }

    #[test]
    fn lines_are_sorted_with_the_hierarchy_separator_first() {
        let mut table = Table::default();
        for key in ["user.a-b", "user.a", "user.a.b", "user.aa", "user.a b"] {
            table.store(key.as_bytes(), b"");
        }
        assert_eq!(table.encode(), b"user.a\t\nuser.a.b\t\nuser.a b\t\nuser.a-b\t\nuser.aa\t\n");
    }

    #[test]
    fn the_reference_s_file_is_written_back_byte_for_byte() {
        let golden = [
            include_bytes!("../../../tests/golden/twoskip/3.6.1/subs.flat").as_slice(),
            include_bytes!("../../../tests/golden/twoskip/3.12.3/subs.flat"),
        ];
        for golden in golden {
            let mut table = Table::default();
            for name in ["", ".a-b", ".a", ".aa", ".ä", ".a b"] {
                table.store(format!("user.u1{name}").as_bytes(), b"");
            }
            table.store(b"user.u1.a.b", b"x\ty");
            assert_eq!(Table::decode(golden).unwrap(), table);
            assert_eq!(table.encode(), golden);
        }
    }

    #[test]
    fn what_would_break_a_line_is_escaped() {
        let mut table = Table::default();
        table.store(b"a\tb\0", b"\r\n\xff\x7f");
        let bytes = b"a\xff\x89b\xff\x80\t\xff\x8d\xff\x8a\xff\xff\x7f\n";
        assert_eq!(table.encode(), bytes);
        assert_eq!(Table::decode(bytes).unwrap(), table);
    }

    #[test]
    fn incomplete_lines_are_damage_at_their_offset() {
        assert_eq!(Table::decode(b"a\t\nb\t"), Err(3));
        assert_eq!(Table::decode(b"a\t\nb\nc\t\n"), Err(3));
        assert_eq!(Table::decode(b"a\t1\t2\n").unwrap().fetch(b"a"), Some(b"1\t2".as_slice()));
    }

    #[test]
    fn changes_replace_the_file_and_no_changes_write_nothing() {
        let (memory, disk) = new_disk();
        let mut flat = open(&disk, Create::Yes).unwrap();
        let mut writer = flat.write(soon()).unwrap();
        writer.table.store(b"user.u1", b"");
        writer.table.store(b"user.u1.Sub", b"x");
        assert!(writer.table.delete(b"user.u1"));
        assert!(!writer.table.delete(b"user.u1"));
        writer.commit(Durability::Now).unwrap();
        assert_eq!(contents(&memory, Path::new(PATH)), b"user.u1.Sub\tx\n");

        fail_changes_from(&memory, 0);
        let mut writer = flat.write(soon()).unwrap();
        writer.table.store(b"user.u1.Sub", b"x");
        writer.commit(Durability::Now).unwrap();
        assert_eq!(memory.counts().changes, 0);
    }

    #[test]
    fn a_second_writer_waits_and_then_sees_the_first_one_s_changes() {
        let (_, disk) = new_disk();
        let mut first = open(&disk, Create::Yes).unwrap();
        let mut second = open(&disk, Create::Yes).unwrap();
        let mut writer = first.write(soon()).unwrap();
        assert!(matches!(second.write(soon()), Err(DbError::Locked { .. })));
        writer.table.store(b"a", b"1");
        writer.commit(Durability::Caller).unwrap();
        assert_eq!(second.write(soon()).unwrap().table.fetch(b"a"), Some(b"1".as_slice()));
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file() {
        for call in 0..5 {
            let (memory, disk) = new_disk();
            let mut flat = open(&disk, Create::Yes).unwrap();
            fail_changes_from(&memory, call);
            let mut writer = flat.write(soon()).unwrap();
            writer.table.store(b"a", b"1");
            let committed = writer.commit(Durability::Now);
            assert_eq!(committed.is_ok(), memory.counts().changes <= call);
            memory.fail(None);
            // Create, write, sync and rename come before the change is seen; the sync of the directory after it.
            assert_eq!(flat.read().unwrap().fetch(b"a").is_some(), call == 4);
            let mut writer = flat.write(soon()).unwrap();
            writer.table.store(b"b", b"2");
            writer.commit(Durability::Now).unwrap();
        }
    }
}
