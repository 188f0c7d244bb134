//! Sorted keys and values, whatever file holds them.
//!
//! The mailbox list, the annotations, the seen states and the subscriptions are written against these two traits, so that
//! each works on any of the database formats that `imapd.conf` can name, and is tested on a map in memory.

use super::{db_error::DbError, flat, twoskip};

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Keys and values to read, in ascending byte order of the keys.
pub trait ReadTable {
    /// The value of a key.
    ///
    /// # Errors
    /// [`DbError`] of the file behind.
    fn fetch(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, DbError>;

    /// The first key above `key`, and its value.
    ///
    /// # Errors
    /// [`DbError`] of the file behind.
    fn next_after(&mut self, key: &[u8]) -> Result<Option<Pair>, DbError>;

    /// All keys and values.
    ///
    /// # Errors
    /// [`DbError`] of the file behind.
    fn all(&mut self) -> Result<Vec<Pair>, DbError> {
        let mut all: Vec<Pair> = Vec::new();
        while let Some(pair) = self.next_after(all.last().map_or(&[], |(key, _)| key))? {
            all.push(pair);
        }
        Ok(all)
    }
}

/// Keys and values inside a transaction: nothing is seen by others before its end.
pub trait WriteTable: ReadTable {
    /// Gives a key a value, in place of the one it had.
    ///
    /// # Errors
    /// [`DbError`] of the file behind.
    fn store(&mut self, key: &[u8], value: &[u8]) -> Result<(), DbError>;

    /// Takes a key away; no error if it was not there.
    ///
    /// # Errors
    /// [`DbError`] of the file behind.
    fn delete(&mut self, key: &[u8]) -> Result<(), DbError>;
}

impl ReadTable for twoskip::Reader<'_> {
    fn fetch(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, DbError> {
        twoskip::Reader::fetch(self, key)
    }

    fn next_after(&mut self, key: &[u8]) -> Result<Option<Pair>, DbError> {
        twoskip::Reader::next_after(self, key)
    }
}

impl ReadTable for twoskip::Writer<'_> {
    fn fetch(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, DbError> {
        twoskip::Reader::fetch(self, key)
    }

    fn next_after(&mut self, key: &[u8]) -> Result<Option<Pair>, DbError> {
        twoskip::Reader::next_after(self, key)
    }
}

impl WriteTable for twoskip::Writer<'_> {
    fn store(&mut self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
        twoskip::Writer::store(self, key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), DbError> {
        twoskip::Writer::delete(self, key).map(drop)
    }
}

/// A flat file is sorted by another order; it is read whole, and is small.
impl ReadTable for flat::Table {
    fn fetch(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, DbError> {
        Ok(flat::Table::fetch(self, key).map(<[u8]>::to_vec))
    }

    fn next_after(&mut self, key: &[u8]) -> Result<Option<Pair>, DbError> {
        let next = self.iter().filter(|(found, _)| *found > key).min();
        Ok(next.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    fn all(&mut self) -> Result<Vec<Pair>, DbError> {
        let mut all: Vec<_> = self.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        all.sort();
        Ok(all)
    }
}

impl WriteTable for flat::Table {
    fn store(&mut self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
        flat::Table::store(self, key, value);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), DbError> {
        flat::Table::delete(self, key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::{
        disk::{Deadline, Disk, Durability, RealDisk, testing::TestDir},
        twoskip::{Create, Twoskip},
    };
    use std::{sync::Arc, time::Duration};

    fn fill(table: &mut impl WriteTable) {
        for (key, value) in [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")] {
            table.store(key, value).unwrap();
        }
        table.delete(b"b").unwrap();
    }

    fn check(table: &mut impl ReadTable) {
        assert_eq!(table.fetch(b"a").unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(table.next_after(b"a").unwrap(), Some((b"c".to_vec(), b"3".to_vec())));
        assert_eq!(table.next_after(b"c").unwrap(), None);
        assert_eq!(table.all().unwrap().len(), 2);
    }

    #[test]
    fn every_format_is_a_table() {
        let dir = TestDir::new("table");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let deadline = || Deadline::after(Duration::from_secs(5));
        let mut twoskip = Twoskip::open(&disk, &dir.path("t"), Create::Yes).unwrap().unwrap();
        let mut writer = twoskip.write(deadline()).unwrap();
        fill(&mut writer);
        check(&mut writer);
        writer.commit(Durability::Caller).unwrap();
        check(&mut twoskip.read(deadline()).unwrap());
        let mut flat = flat::Table::default();
        fill(&mut flat);
        check(&mut flat);
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use std::collections::BTreeMap;

    /// A table in memory.
    pub type Map = BTreeMap<Vec<u8>, Vec<u8>>;

    impl ReadTable for Map {
        fn fetch(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, DbError> {
            Ok(self.get(key).cloned())
        }

        fn next_after(&mut self, key: &[u8]) -> Result<Option<Pair>, DbError> {
            let above = (std::ops::Bound::Excluded(key.to_vec()), std::ops::Bound::Unbounded);
            Ok(self.range(above).next().map(|(key, value)| (key.clone(), value.clone())))
        }
    }

    impl WriteTable for Map {
        fn store(&mut self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
            self.insert(key.to_vec(), value.to_vec());
            Ok(())
        }

        fn delete(&mut self, key: &[u8]) -> Result<(), DbError> {
            self.remove(key);
            Ok(())
        }
    }

    /// A dump of real Cyrus: `# PATH` begins a file, `KEY<tab>VALUE` is a record, `\xHH` a byte.
    pub fn golden(text: &str, file: &str) -> Map {
        golden_lines(text, file)
            .into_iter()
            .filter_map(|line| line.split_once('\t').map(|(k, v)| (unescaped(k), unescaped(v))))
            .collect()
    }

    /// The lines of one file in a dump.
    pub fn golden_lines<'a>(text: &'a str, file: &str) -> Vec<&'a str> {
        let heading = format!("# {file}");
        let from = text.lines().skip_while(|line| *line != heading).skip(1);
        from.take_while(|line| !line.starts_with("# ")).collect()
    }

    /// The bytes that a line of a dump stands for.
    pub fn unescaped(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut parts = text.split("\\x");
        bytes.extend_from_slice(parts.next().unwrap().as_bytes());
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        }
        bytes
    }
}
