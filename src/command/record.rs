//! One `RECORD` of an `APPLY MAILBOX`: decoded as it arrives, into as few bytes as it needs.

use super::fields::{BadField, Fields, Problem, list, text};
use crate::{
    dlist::Value,
    ops::{AnnotatedRecord, Annotation, Record},
    types::{FlagName, InternalFlags, MAX_USER_FLAGS, ModSeq, SystemFlags, Uid, UserFlags, UserId},
};
use bytes::Bytes;

/// Where Cyrus's own annotations live (`IMAP_ANNOT_NS`).
const CYRUS_NAMESPACE: &[u8] = b"/vendor/cmu/cyrus-imapd/";

/// The names of user flags that a command uses, in the order in which its records use them first.
#[derive(Clone, Debug, Default)]
pub struct FlagNames(Vec<FlagName>);

impl FlagNames {
    /// The names, by place.
    pub fn names(&self) -> &[FlagName] {
        &self.0
    }

    /// The place of a flag, which gets the next one if it is new.
    fn place(&mut self, name: &[u8]) -> Result<usize, BadField> {
        if let Some(place) = self.0.iter().position(|known| known.as_str().as_bytes().eq_ignore_ascii_case(name)) {
            return Ok(place);
        }
        if self.0.len() == MAX_USER_FLAGS {
            return Err(BadField::new("FLAGS", Problem::Unknown));
        }
        let name = FlagName::parse(name).map_err(|why| BadField::new("FLAGS", Problem::NotAName(why)))?;
        self.0.push(name);
        Ok(self.0.len() - 1)
    }
}

/// Decodes one record and all its annotations (`parse_upload`). Its user flags are places in `names`.
///
/// # Errors
/// [`BadField`] for the first field that is missing or wrong.
pub fn decode_record(value: &Value, names: &mut FlagNames) -> Result<AnnotatedRecord, BadField> {
    let fields = Fields::of("RECORD", value)?;
    let mut record = Record {
        uid: Uid::new(fields.number32("UID")?).ok_or(BadField::new("UID", Problem::NotANumber))?,
        modseq: fields.modseq("MODSEQ")?,
        last_updated: fields.date("LAST_UPDATED")?,
        internal_date: fields.date("INTERNALDATE")?,
        save_date: 0,
        created_modseq: ModSeq::default(),
        cid: 0,
        size: fields.number32("SIZE")?,
        guid: fields.guid("GUID")?,
        system_flags: SystemFlags::default(),
        internal_flags: InternalFlags::default(),
        user_flags: UserFlags::default(),
    };
    for flag in fields.list("FLAGS")? {
        set_flag(&mut record, flag, names)?;
    }
    let annotations = match fields.find("ANNOTATIONS") {
        Some(list) => decode_annotations(list, Some(&mut record))?,
        None => Vec::new(),
    };
    Ok(AnnotatedRecord::new(record, annotations))
}

/// Sets one flag of a `FLAGS` list (`sync_getflags`). System flags that are not known are passed over, as there.
fn set_flag(record: &mut Record, flag: &Value, names: &mut FlagNames) -> Result<(), BadField> {
    let name = text("FLAGS", flag)?.ok_or(BadField::new("FLAGS", Problem::NotText))?;
    if !name.starts_with(b"\\") {
        let place = names.place(&name)?;
        if let Some(word) = record.user_flags.get_mut(place / 32) {
            *word |= 1 << (place % 32);
        }
        return Ok(());
    }
    const SYSTEM: [(&[u8], u32); 5] = [
        (b"\\seen", SystemFlags::SEEN),
        (b"\\answered", SystemFlags::ANSWERED),
        (b"\\flagged", SystemFlags::FLAGGED),
        (b"\\deleted", SystemFlags::DELETED),
        (b"\\draft", SystemFlags::DRAFT),
    ];
    if name.eq_ignore_ascii_case(b"\\expunged") {
        record.internal_flags.0 |= InternalFlags::EXPUNGED;
    } else if let Some((_, bit)) = SYSTEM.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) {
        record.system_flags.0 |= bit;
    }
    Ok(())
}

/// Decodes an `ANNOTATIONS` list (`decode_annotations`). What is a field of a record goes there and not into the list.
///
/// MODSEQ and USERID may be missing: masters before 3.2 send none.
pub(super) fn decode_annotations(value: &Value, mut record: Option<&mut Record>) -> Result<Vec<Annotation>, BadField> {
    let mut annotations = Vec::new();
    for element in list("ANNOTATIONS", value)? {
        let fields = Fields::of("ANNOTATIONS", element)?;
        // Copied: a slice would keep all of the input alive that it is a part of.
        let annotation = Annotation {
            entry: Bytes::copy_from_slice(&fields.text("ENTRY")?),
            user: Bytes::copy_from_slice(&fields.optional_text("USERID")?.unwrap_or_default()),
            value: Bytes::copy_from_slice(&fields.text("VALUE")?),
            modseq: fields.or("MODSEQ", ModSeq::default(), Fields::modseq)?,
        };
        check_annotation_key(&annotation.entry, &annotation.user)?;
        let is_field = record.as_deref_mut().is_some_and(|record| set_field(record, &annotation));
        if !is_field && !annotation.value.is_empty() {
            annotations.push(annotation);
        }
    }
    annotations.sort();
    annotations.dedup_by(|later, first| later.entry == first.entry && later.user == first.user);
    Ok(annotations)
}

/// Entry and user become parts of a database's key, in which a NUL separates them. A shared annotation has an empty user.
pub(super) fn check_annotation_key(entry: &Bytes, user: &Bytes) -> Result<(), BadField> {
    /// Bytes in an entry's name: with the user's they fit in any release's keys.
    const LONGEST: usize = 1024;
    if entry.is_empty() || entry.len() > LONGEST || entry.iter().any(u8::is_ascii_control) {
        return Err(BadField::new("ENTRY", Problem::NotText));
    }
    if user.is_empty() {
        return Ok(());
    }
    UserId::parse(user).map(drop).map_err(|why| BadField::new("USERID", Problem::NotAName(why)))
}

/// Whether the annotation is a field of the record, which is then set. What is no number sets it to 0.
fn set_field(record: &mut Record, annotation: &Annotation) -> bool {
    let Some(name) = annotation.entry.strip_prefix(CYRUS_NAMESPACE) else { return false };
    let value = Value::Literal(annotation.value.clone());
    match name {
        b"thrid" => record.cid = value.hex64().unwrap_or(0),
        b"savedate" => record.save_date = value.number32().map_or(0, i64::from),
        b"createdmodseq" => record.created_modseq = ModSeq(value.number64().unwrap_or(0)),
        _ => return false,
    }
    true
}
