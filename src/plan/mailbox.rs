//! A mailbox's header: may this update be applied to what the replica has?

use crate::{
    command::MailboxUpdate,
    ops::{HeaderUpdate, MailboxState, Refusal, Target},
    types::{MailboxName, ModSeq},
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
) -> Result<Target, Conflict> {
    let new = |replace| Target::New {
        uniqueid: update.uniqueid.clone(),
        mailbox_type: update.mailbox_type,
        partition: update.partition.clone(),
        replace,
    };
    match (open, listed_as) {
        // An entry of the same name is an intermediate folder that becomes a mailbox.
        (_, Some(name)) if *name != update.name => Err(Conflict::UniqueIdInUse { by: name.clone() }),
        (None, _) => Ok(new(false)),
        (Some(state), _) if state.uniqueid == update.uniqueid => Ok(Target::Existing),
        (Some(state), _) if force || state.last_uid == 0 => Ok(new(true)),
        (Some(_), _) => Err(Conflict::OtherUniqueId),
    }
}

/// Checks the update against the mailbox it is for.
///
/// The conflicts that force overrules are handed to `overruled` instead.
///
/// # Errors
/// The first [`Conflict`].
pub fn check(
    update: &MailboxUpdate,
    state: &MailboxState,
    force: bool,
    mut overruled: impl FnMut(&Conflict),
) -> Result<(), Conflict> {
    if let Some((modseq, crcs)) = update.since
        && (modseq != state.highest_modseq || !crcs.agree(state.crcs))
    {
        return Err(Conflict::ChangedSince);
    }
    if state.mailbox_type.for_sync() != update.mailbox_type {
        return Err(Conflict::OtherType);
    }
    let (master, replica) = (update.highest_modseq, state.highest_modseq);
    let higher_modseq = (master < replica).then_some(Conflict::HigherModseq { master, replica });
    let (master, replica) = (update.uidvalidity, state.uidvalidity);
    let higher_uidvalidity = (master < replica).then_some(Conflict::HigherUidValidity { master, replica });
    let (master, replica) = (update.last_uid, state.last_uid);
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
pub fn header(update: &MailboxUpdate) -> HeaderUpdate {
    HeaderUpdate {
        uidvalidity: update.uidvalidity,
        last_uid: update.last_uid,
        highest_modseq: update.highest_modseq,
        created_modseq: update.created_modseq,
        folder_modseq: update.folder_modseq,
        recent_uid: update.recent_uid,
        recent_time: update.recent_time,
        last_append_date: update.last_append_date,
        pop3_last_login: update.pop3_last_login,
        pop3_show_after: update.pop3_show_after,
        options: update.options,
        acl: update.acl.clone(),
    }
}
