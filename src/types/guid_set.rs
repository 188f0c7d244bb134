//! A set of GUIDs.

use super::Guid;

/// A set of GUIDs that takes hardly more memory than they do, also while it grows: a sorted list for each first byte.
///
/// GUIDs are sums, so that the lists are about equally long. Whoever finds messages whose sums are not gets a set that is as
/// slow to grow as one sorted list.
#[derive(Debug, Default)]
pub(crate) struct GuidSet {
    /// One for each first byte; none at all while the set is empty.
    lists: Vec<Vec<Guid>>,
}

impl GuidSet {
    /// Adds a GUID; whether it was not there.
    pub(crate) fn insert(&mut self, guid: Guid) -> bool {
        if self.lists.is_empty() {
            self.lists.resize_with(1 << 8, Vec::new);
        }
        let Some(list) = self.lists.get_mut(first_byte(&guid)) else { return false };
        let Err(place) = list.binary_search(&guid) else { return false };
        if list.len() == list.capacity() {
            list.reserve_exact(list.len() / 8 + 4);
        }
        list.insert(place, guid);
        true
    }

    /// Takes a GUID out.
    pub(crate) fn remove(&mut self, guid: &Guid) {
        if let Some(list) = self.lists.get_mut(first_byte(guid))
            && let Ok(place) = list.binary_search(guid)
        {
            list.remove(place);
        }
    }

    pub(crate) fn contains(&self, guid: &Guid) -> bool {
        self.lists.get(first_byte(guid)).is_some_and(|list| list.binary_search(guid).is_ok())
    }
}

impl IntoIterator for GuidSet {
    type Item = Guid;
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Vec<Guid>>>;

    /// In ascending order.
    fn into_iter(self) -> Self::IntoIter {
        self.lists.into_iter().flatten()
    }
}

fn first_byte(guid: &Guid) -> usize {
    usize::from(guid.as_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn it_holds_what_a_set_of_the_library_holds() {
        let (mut guids, mut expected) = (GuidSet::default(), BTreeSet::new());
        assert!(!guids.contains(&Guid::NULL));
        for number in 0..20_000_u32 {
            let guid = Guid::of(&(number % 3000).to_be_bytes());
            if number % 7 == 0 {
                guids.remove(&guid);
                expected.remove(&guid);
            } else {
                assert_eq!(guids.insert(guid), expected.insert(guid));
            }
            assert_eq!(guids.contains(&guid), expected.contains(&guid));
        }
        assert!(guids.into_iter().eq(expected));
    }

    #[test]
    fn it_is_hardly_larger_than_what_it_holds() {
        const COUNT: u32 = 40_000;
        let mut guids = GuidSet::default();
        (0..COUNT).for_each(|number| assert!(guids.insert(Guid::of(&number.to_be_bytes()))));
        let room: usize = guids.lists.iter().map(Vec::capacity).sum();
        assert!(room < COUNT as usize * 12 / 10, "{room}");
    }
}
