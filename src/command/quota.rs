//! Quota limits, in the spellings of all releases (`sync_encode_quota_limits`, `sync_decode_quota_limits`).

use super::fields::{BadField, Fields};
use crate::{ops::QuotaLimits, types::Release};

/// What stands for "unlimited": -1 as an unsigned number.
const UNLIMITED: u32 = u32::MAX;

/// Reads the limits: for each resource its name of 3.10 and later, else its name before.
pub(super) fn decode(fields: Fields<'_>) -> Result<QuotaLimits, BadField> {
    let limit = |names: &[&'static str]| -> Result<Option<u32>, BadField> {
        let Some(name) = names.iter().find(|name| fields.find(name).is_some()) else { return Ok(None) };
        Ok(Some(fields.number32(name)?).filter(|limit| *limit != UNLIMITED))
    };
    Ok(QuotaLimits {
        storage: limit(&["STORAGE", "LIMIT"])?,
        message: limit(&["MESSAGE"])?,
        annotation_storage: limit(&["ANNOTATION-STORAGE", "X-ANNOTATION-STORAGE"])?,
        mailbox: limit(&["MAILBOX", "X-NUM-FOLDERS"])?,
    })
}

/// The names and values to send, in the order of the reference: `LIMIT` always, the others where there is a limit. Releases
/// before 3.10 know only the second name of the last two.
pub(super) fn encode(limits: &QuotaLimits, release: Release) -> impl Iterator<Item = (&'static str, u32)> {
    let renamed = |limit: Option<u32>| limit.filter(|_| release >= Release::V3_10);
    let always = [("LIMIT", Some(limits.storage.unwrap_or(UNLIMITED)))];
    let named = [
        ("STORAGE", limits.storage),
        ("MESSAGE", limits.message),
        ("ANNOTATION-STORAGE", renamed(limits.annotation_storage)),
        ("X-ANNOTATION-STORAGE", limits.annotation_storage),
        ("MAILBOX", renamed(limits.mailbox)),
        ("X-NUM-FOLDERS", limits.mailbox),
    ];
    always.into_iter().chain(named).filter_map(|(name, limit)| Some((name, limit?)))
}
