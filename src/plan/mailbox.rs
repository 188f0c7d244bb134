//! A mailbox's header: may this update be applied to what the replica has?

use crate::{
    command::MailboxUpdate,
    ops::{MailboxState, Refusal, SyncedHeader, Target},
    types::{MailboxName, ModSeq, Release},
};

/// Why an update does not fit the mailbox that the replica has.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are the two sides' values")]
pub enum Conflict {
    /// The unique id belongs to a mailbox of another name.
    UniqueIdInUse { by: MailboxName },
    /// The mailbox has another unique id, and messages.
    OtherUniqueId,
    /// The mailbox is not in the state that the change was made for (`SINCE_…`).
    ChangedSince,
    /// The mailbox holds something else.
    OtherType,
    /// The replica has changes that the master has not.
    HigherModseq { master: ModSeq, replica: ModSeq },
    /// The replica's UIDVALIDITY is higher.
    HigherUidValidity { master: u32, replica: u32 },
    /// The replica has given uids that the master has not.
    HigherLastUid { master: u32, replica: u32 },
}

impl Conflict {
    /// What the master is told.
    pub fn refusal(&self) -> Refusal {
        match self {
            Conflict::UniqueIdInUse { .. } | Conflict::OtherUniqueId => Refusal::Moved,
            Conflict::ChangedSince => Refusal::Changed,
            Conflict::OtherType => Refusal::BadType,
            Conflict::HigherModseq { .. } | Conflict::HigherUidValidity { .. } | Conflict::HigherLastUid { .. } => {
                Refusal::Checksum
            }
        }
    }

    /// Whether the master may insist (`APPLY FORCE`).
    fn yields_to_force(&self) -> bool {
        matches!(
            self,
            Conflict::HigherModseq { .. } | Conflict::HigherUidValidity { .. } | Conflict::HigherLastUid { .. }
        )
    }
}

/// Which mailbox the update is made to: the one that is there, a new one, or a new one in its place.
///
/// `listed_as` is the name that the unique id is listed under, asked for only where it is not that of the open mailbox.
///
/// # Errors
/// [`Conflict`] where the names and unique ids of the two sides do not go together.
pub fn target(
    update: &MailboxUpdate,
    open: Option<&MailboxState>,
    listed_as: Option<&MailboxName>,
    force: bool,
    release: Release,
) -> Result<Target, Conflict> {
    let new = |replace| Target::New {
        uniqueid: update.uniqueid.clone(),
        mailbox_type: update.mailbox_type,
        partition: update.partition.clone(),
        index_version: index_version(update.index_version, release),
        deleted_modseq: update.deleted_modseq,
        replace,
    };
    match (open, listed_as) {
        // An entry of the same name is an intermediate folder that becomes a mailbox.
        (_, Some(name)) if *name != update.name => Err(Conflict::UniqueIdInUse { by: name.clone() }),
        (None, _) => Ok(new(false)),
        (Some(state), _) if state.uniqueid == update.uniqueid => Ok(Target::Existing),
        (Some(state), _) if force || state.header.last_uid == 0 => Ok(new(true)),
        (Some(_), _) => Err(Conflict::OtherUniqueId),
    }
}

/// The index of a new mailbox is the master's, so that the same fields of a record count for the checksums; but none that the
/// Cyrus on this spool cannot read, or that is too old to replicate.
fn index_version(wanted: Option<u32>, release: Release) -> u32 {
    /// Since this version records have GUIDs.
    const OLDEST: u32 = 10;
    let newest = release.index_version();
    wanted.filter(|version| (OLDEST..newest).contains(version)).unwrap_or(newest)
}

/// Checks the update against the mailbox it is for: `None` where a new one is made, which no change can have been made for.
/// A UIDVALIDITY of 0, which is none, is refused for a new mailbox: the reference makes one up and finds it higher.
///
/// The conflicts that force overrules are handed to `overruled` instead.
///
/// # Errors
/// The first [`Conflict`].
pub fn check(
    update: &MailboxUpdate,
    state: Option<&MailboxState>,
    force: bool,
    mut overruled: impl FnMut(&Conflict),
) -> Result<(), Conflict> {
    let Some(state) = state else {
        return match (update.since, update.header.uidvalidity) {
            (Some(_), _) => Err(Conflict::ChangedSince),
            (None, 0) => Err(Conflict::HigherUidValidity { master: 0, replica: 1 }),
            (None, _) => Ok(()),
        };
    };
    if let Some((modseq, crcs)) = update.since
        && (modseq != state.header.highest_modseq || !crcs.agree(state.crcs))
    {
        return Err(Conflict::ChangedSince);
    }
    if state.mailbox_type.for_sync() != update.mailbox_type {
        return Err(Conflict::OtherType);
    }
    let (master, replica) = (update.header.highest_modseq, state.header.highest_modseq);
    let higher_modseq = (master < replica).then_some(Conflict::HigherModseq { master, replica });
    let (master, replica) = (update.header.uidvalidity, state.header.uidvalidity);
    let higher_uidvalidity = (master < replica).then_some(Conflict::HigherUidValidity { master, replica });
    let (master, replica) = (update.header.last_uid, state.header.last_uid);
    let higher_last_uid = (master < replica).then_some(Conflict::HigherLastUid { master, replica });
    for conflict in [higher_modseq, higher_uidvalidity, higher_last_uid].into_iter().flatten() {
        if !(force && conflict.yields_to_force()) {
            return Err(conflict);
        }
        overruled(&conflict);
    }
    Ok(())
}

/// The header's values from now on: the master's.
///
/// Except that the replica's highest uid stays where it is the higher one, which needs force: the reference takes the
/// master's (`sync_apply_mailbox`), and the next message then gets a uid that a record has already.
pub fn header(update: &MailboxUpdate, last_uid: u32) -> SyncedHeader {
    SyncedHeader { last_uid: update.header.last_uid.max(last_uid), ..update.header.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        command::{Dialect, FlagNames},
        types::{MailboxKind, MailboxOptions, MailboxType, Partition, SyncCrcs, UniqueId},
    };

    fn uniqueid(id: &str) -> UniqueId {
        UniqueId::parse(id.as_bytes()).unwrap()
    }

    fn name(name: &str) -> MailboxName {
        MailboxName::parse(name.as_bytes()).unwrap()
    }

    /// The master's mailbox: 7 uids, modseq 20.
    fn update() -> MailboxUpdate {
        MailboxUpdate {
            uniqueid: uniqueid("abc"),
            name: name("user.u1"),
            mailbox_type: MailboxType::EMAIL,
            partition: Partition::parse(b"default").unwrap(),
            header: SyncedHeader {
                acl: "u1\tlrs\t".into(),
                options: MailboxOptions(MailboxOptions::SHARED_SEEN),
                uidvalidity: 13,
                last_uid: 7,
                highest_modseq: ModSeq(20),
                created_modseq: ModSeq(1),
                folder_modseq: ModSeq(2),
                recent_uid: 3,
                recent_time: 4,
                last_append_date: 5,
                pop3_last_login: 6,
                pop3_show_after: 7,
            },
            index_version: None,
            deleted_modseq: ModSeq(0),
            dialect: Dialect::V3_2,
            crcs: SyncCrcs { basic: 0, annot: 0 },
            since: None,
            annotations: Vec::new(),
            user_flags: Vec::new(),
            records: Vec::new(),
            record_flags: FlagNames::default(),
            user_groups: None,
        }
    }

    /// The replica's mailbox: 5 uids, modseq 15.
    fn state() -> MailboxState {
        let update = update();
        MailboxState {
            name: update.name,
            uniqueid: update.uniqueid,
            mailbox_type: MailboxType { legacy_dirs: true, ..MailboxType::EMAIL },
            partition: update.partition,
            quota_root: None,
            header: SyncedHeader {
                uidvalidity: 13,
                last_uid: 5,
                highest_modseq: ModSeq(15),
                ..SyncedHeader::default()
            },
            crcs: SyncCrcs { basic: 8, annot: 9 },
            user_flags: Vec::new(),
            annotations: Vec::new(),
            index_version: 19,
            racl_modseq: ModSeq(0),
            user_groups: Vec::new(),
        }
    }

    type Change = fn(&mut SyncedHeader);

    fn with(state: &MailboxState, change: impl Fn(&mut SyncedHeader)) -> MailboxState {
        let mut state = state.clone();
        change(&mut state.header);
        state
    }

    /// `existing`, `new` or `replace`.
    fn target_of(open: Option<&MailboxState>, listed_as: Option<&str>, force: bool) -> Result<&'static str, Conflict> {
        let update = update();
        let target = target(&update, open, listed_as.map(name).as_ref(), force, Release::V3_12)?;
        Ok(match target {
            Target::Existing => "existing",
            Target::New { uniqueid, mailbox_type, partition, index_version: 19, replace, .. } => {
                assert_eq!((uniqueid, partition), (update.uniqueid, update.partition));
                assert_eq!(mailbox_type, update.mailbox_type);
                if replace { "replace" } else { "new" }
            }
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_mailbox_of_the_same_unique_id_is_updated() {
        for force in [false, true] {
            assert_eq!(target_of(Some(&state()), None, force), Ok("existing"));
        }
    }

    #[test]
    fn a_mailbox_that_is_not_there_is_made_unless_its_unique_id_is_taken() {
        assert_eq!(target_of(None, None, false), Ok("new"));
        assert_eq!(target_of(None, Some("user.u1"), false), Ok("new"), "an intermediate folder becomes a mailbox");
        let taken = Conflict::UniqueIdInUse { by: name("user.u2") };
        for force in [false, true] {
            assert_eq!(target_of(None, Some("user.u2"), force), Err(taken.clone()));
        }
    }

    #[test]
    fn a_mailbox_of_another_unique_id_is_replaced_if_it_never_had_a_message_or_by_force() {
        let full = MailboxState { uniqueid: uniqueid("other"), ..state() };
        let empty = with(&full, |header| header.last_uid = 0);
        assert_eq!(target_of(Some(&empty), None, false), Ok("replace"));
        assert_eq!(target_of(Some(&full), None, true), Ok("replace"));
        assert_eq!(target_of(Some(&full), None, false), Err(Conflict::OtherUniqueId));
    }

    #[test]
    fn a_new_mailbox_gets_the_masters_index_version_if_it_can_be_read_here() {
        for (release, wanted, version) in [
            (Release::V3_12, None, 19),
            (Release::V3_6, None, 17),
            (Release::V3_12, Some(16), 16),
            (Release::V3_12, Some(20), 19),
            (Release::V3_13, Some(20), 20),
            (Release::V3_13, Some(19), 19),
            (Release::V3_12, Some(9), 19),
            (Release::V3_12, Some(u32::MAX), 19),
        ] {
            assert_eq!(index_version(wanted, release), version, "{release:?} {wanted:?}");
        }
    }

    fn checked(
        update: &MailboxUpdate,
        state: Option<&MailboxState>,
        force: bool,
    ) -> (Result<(), Conflict>, Vec<Conflict>) {
        let mut overruled = Vec::new();
        let outcome = check(update, state, force, |conflict| overruled.push(conflict.clone()));
        (outcome, overruled)
    }

    #[test]
    fn an_update_that_goes_on_from_the_replicas_state_is_taken() {
        let fine = (Ok(()), Vec::new());
        let crcs = |basic, annot| SyncCrcs { basic, annot };
        for since in
            [None, Some((ModSeq(15), crcs(8, 9))), Some((ModSeq(15), crcs(0, 9))), Some((ModSeq(15), crcs(0, 0)))]
        {
            assert_eq!(checked(&MailboxUpdate { since, ..update() }, Some(&state()), false), fine, "{since:?}");
        }
        let mut same = update();
        (same.header.highest_modseq, same.header.last_uid) = (ModSeq(15), 5);
        assert_eq!(checked(&same, Some(&state()), false), fine);
        assert_eq!(checked(&update(), None, false), fine);
    }

    #[test]
    fn an_update_for_another_state_is_refused_whatever_the_force() {
        let crcs = |basic, annot| SyncCrcs { basic, annot };
        for since in
            [(ModSeq(14), crcs(8, 9)), (ModSeq(16), crcs(8, 9)), (ModSeq(15), crcs(7, 9)), (ModSeq(15), crcs(8, 8))]
        {
            let update = MailboxUpdate { since: Some(since), ..update() };
            for force in [false, true] {
                let refused = (Err(Conflict::ChangedSince), Vec::new());
                assert_eq!(checked(&update, Some(&state()), force), refused, "{since:?}");
                assert_eq!(checked(&update, None, force), refused, "{since:?} of a mailbox that is not there");
            }
        }
    }

    #[test]
    fn a_mailbox_keeps_its_type() {
        let calendar = MailboxType { kind: MailboxKind::Calendar, ..MailboxType::EMAIL };
        let update = MailboxUpdate { mailbox_type: calendar, ..update() };
        for force in [false, true] {
            assert_eq!(checked(&update, Some(&state()), force).0, Err(Conflict::OtherType));
        }
    }

    #[test]
    fn a_replica_that_is_ahead_is_overruled_only_by_force() {
        let conflicts = [
            Conflict::HigherModseq { master: ModSeq(20), replica: ModSeq(21) },
            Conflict::HigherUidValidity { master: 13, replica: 14 },
            Conflict::HigherLastUid { master: 7, replica: 8 },
        ];
        let (modseq, uidvalidity, last_uid): (Change, Change, Change) = (
            |header| header.highest_modseq = ModSeq(21),
            |header| header.uidvalidity = 14,
            |header| header.last_uid = 8,
        );
        let of_each = [modseq, uidvalidity, last_uid].map(|change| with(&state(), change));
        for (state, conflict) in of_each.iter().zip(&conflicts) {
            assert_eq!(checked(&update(), Some(state), false), (Err(conflict.clone()), Vec::new()));
            assert_eq!(checked(&update(), Some(state), true), (Ok(()), vec![conflict.clone()]));
        }
        let ahead = [modseq, uidvalidity, last_uid].iter().fold(state(), |state, change| with(&state, change));
        assert_eq!(checked(&update(), Some(&ahead), true), (Ok(()), conflicts.to_vec()));
    }

    #[test]
    fn what_the_master_is_told() {
        for (conflict, refusal) in [
            (Conflict::UniqueIdInUse { by: name("a") }, Refusal::Moved),
            (Conflict::OtherUniqueId, Refusal::Moved),
            (Conflict::ChangedSince, Refusal::Changed),
            (Conflict::OtherType, Refusal::BadType),
            (Conflict::HigherModseq { master: ModSeq(1), replica: ModSeq(2) }, Refusal::Checksum),
            (Conflict::HigherUidValidity { master: 1, replica: 2 }, Refusal::Checksum),
            (Conflict::HigherLastUid { master: 1, replica: 2 }, Refusal::Checksum),
        ] {
            assert_eq!(conflict.refusal(), refusal, "{conflict:?}");
        }
    }

    #[test]
    fn the_header_is_the_masters_but_for_a_higher_last_uid() {
        let expected = SyncedHeader {
            uidvalidity: 13,
            last_uid: 7,
            highest_modseq: ModSeq(20),
            created_modseq: ModSeq(1),
            folder_modseq: ModSeq(2),
            recent_uid: 3,
            recent_time: 4,
            last_append_date: 5,
            pop3_last_login: 6,
            pop3_show_after: 7,
            options: MailboxOptions(MailboxOptions::SHARED_SEEN),
            acl: "u1\tlrs\t".into(),
        };
        assert_eq!(header(&update(), 5), expected);
        assert_eq!(header(&update(), 9), SyncedHeader { last_uid: 9, ..expected });
    }
}
