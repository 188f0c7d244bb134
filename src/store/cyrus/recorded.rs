//! Changes of a table that are gathered and made later: by then it is known what else changes with them.

use super::{
    db_error::DbError,
    table::{Pair, ReadTable, WriteTable},
};
use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

/// What becomes of one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Put {
    pub(super) key: Vec<u8>,
    /// The value that it had; `None`: none.
    pub(super) before: Option<Vec<u8>>,
    /// The value that it gets; `None`: it goes.
    pub(super) after: Option<Vec<u8>>,
}

/// A table, and changes that only this knows of.
#[derive(Debug)]
pub(super) struct Recorded<'a, T> {
    table: &'a mut T,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a, T: ReadTable> Recorded<'a, T> {
    pub(super) fn new(table: &'a mut T) -> Recorded<'a, T> {
        Recorded { table, changes: BTreeMap::new() }
    }

    /// What was changed, in the order of the keys.
    pub(super) fn into_puts(self) -> Result<Vec<Put>, DbError> {
        let mut puts = Vec::new();
        for (key, after) in self.changes {
            let before = self.table.fetch(&key)?;
            if before != after {
                puts.push(Put { key, before, after });
            }
        }
        Ok(puts)
    }

    /// The first key above this one that the table has and that is not deleted here.
    fn next_in_table(&mut self, key: &[u8]) -> Result<Option<Pair>, DbError> {
        let mut next = self.table.next_after(key)?;
        while let Some((found, _)) = next.as_ref().filter(|(found, _)| self.changes.contains_key(found)) {
            next = self.table.next_after(found)?;
        }
        Ok(next)
    }
}

impl<T: ReadTable> ReadTable for Recorded<'_, T> {
    fn fetch(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, DbError> {
        match self.changes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.table.fetch(key),
        }
    }

    fn next_after(&mut self, key: &[u8]) -> Result<Option<Pair>, DbError> {
        let stored = self.next_in_table(key)?;
        let above = self.changes.range::<[u8], _>((Excluded(key), Unbounded));
        let changed = above.filter_map(|(key, value)| Some((key, value.as_ref()?))).next();
        Ok(match (stored, changed) {
            (Some(stored), Some((key, _))) if stored.0 < *key => Some(stored),
            (_, Some((key, value))) => Some((key.clone(), value.clone())),
            (stored, None) => stored,
        })
    }
}

impl<T: ReadTable> WriteTable for Recorded<'_, T> {
    fn store(&mut self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
        self.changes.insert(key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), DbError> {
        self.changes.insert(key.to_vec(), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::table::testing::Map, *};

    fn map() -> Map {
        ["a", "c", "e"].map(|key| (key.into(), b"old".to_vec())).into()
    }

    #[test]
    fn reads_see_what_was_changed_and_the_table_stays() {
        let mut map = map();
        let mut recorded = Recorded::new(&mut map);
        recorded.store(b"b", b"new").unwrap();
        recorded.store(b"c", b"new").unwrap();
        recorded.delete(b"e").unwrap();
        let pair = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
        assert_eq!(recorded.all().unwrap(), [pair("a", "old"), pair("b", "new"), pair("c", "new")]);
        assert_eq!(recorded.fetch(b"e").unwrap(), None);
        drop(recorded);
        assert_eq!(map, self::map());
    }

    #[test]
    fn what_is_as_before_is_no_change() {
        let mut map = map();
        let mut recorded = Recorded::new(&mut map);
        recorded.store(b"a", b"old").unwrap();
        recorded.delete(b"x").unwrap();
        recorded.delete(b"c").unwrap();
        let put = Put { key: b"c".to_vec(), before: Some(b"old".to_vec()), after: None };
        assert_eq!(recorded.into_puts().unwrap(), [put]);
    }
}
