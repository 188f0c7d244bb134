//! The value of a quota root.

use crate::{
    dlist::{KvList, Value, Writer, parse},
    types::{MailboxName, ModSeq},
    wire::LiteralForm,
};

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

/// How many resources there are.
pub const RESOURCES: usize = 4;
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

    /// Sets the limits, as `APPLY QUOTA` does with an existing root: what is used stays, and so does the modseq if no limit
    /// changes or none was given (`mboxlist_setquotas`). Returns whether a limit changed.
    pub fn set_limits(&mut self, limits: [Option<i64>; RESOURCES], modseq: ModSeq) -> bool {
        if self.limits == limits {
            return false;
        }
        self.limits = limits;
        if modseq != ModSeq(0) {
            self.modseq = modseq;
        }
        true
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
