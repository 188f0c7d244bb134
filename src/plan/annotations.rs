//! Annotations: the replica takes the master's, whatever it has itself (`apply_annotations` with the remote side winning).

use crate::ops::Annotation;
use bytes::Bytes;
use std::cmp::Ordering;

/// What to write so that the annotations `ours` become `theirs`; an empty value removes one.
///
/// Both lists are in the order of entry and user. Those whose value is the same are left alone, their modseq included.
pub fn changes(ours: &[Annotation], theirs: &[Annotation]) -> Vec<Annotation> {
    let mut changes = Vec::new();
    let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
    loop {
        let order = match (ours.peek(), theirs.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(our), Some(their)) => (&our.entry, &our.user).cmp(&(&their.entry, &their.user)),
        };
        let our = if order.is_le() { ours.next() } else { None };
        let their = if order.is_ge() { theirs.next() } else { None };
        match (our, their) {
            (Some(our), None) => changes.push(Annotation { value: Bytes::new(), ..our.clone() }),
            (our, Some(their)) if our.is_none_or(|our| our.value != their.value) => changes.push(their.clone()),
            _ => {}
        }
    }
}

/// Whether the message is snoozed, which a flag of the record repeats.
pub fn snoozed(annotations: &[Annotation]) -> bool {
    annotations.iter().any(|annotation| annotation.entry == "/vendor/cmu/cyrus-imapd/snoozed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ModSeq;

    fn annotation(entry: &'static str, user: &'static str, value: &'static str, modseq: u64) -> Annotation {
        Annotation { entry: entry.into(), user: user.into(), value: value.into(), modseq: ModSeq(modseq) }
    }

    #[test]
    fn the_masters_annotations_replace_ours() {
        let ours = [annotation("/a", "", "1", 5), annotation("/b", "", "2", 5), annotation("/c", "u1", "3", 5)];
        let theirs = [annotation("/b", "", "9", 7), annotation("/c", "u1", "3", 8), annotation("/d", "", "4", 9)];
        let expected = [annotation("/a", "", "", 5), annotation("/b", "", "9", 7), annotation("/d", "", "4", 9)];
        assert_eq!(changes(&ours, &theirs), expected);
    }

    #[test]
    fn equal_annotations_need_no_change() {
        let ours = [annotation("/a", "", "1", 5)];
        assert_eq!(changes(&ours, &ours), []);
        assert_eq!(changes(&[], &[]), []);
    }

    #[test]
    fn the_same_entry_of_two_users_is_two_annotations() {
        let ours = [annotation("/a", "", "1", 5)];
        let theirs = [annotation("/a", "", "1", 5), annotation("/a", "u1", "2", 6)];
        assert_eq!(changes(&ours, &theirs), [annotation("/a", "u1", "2", 6)]);
    }
}
