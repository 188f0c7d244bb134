//! cyrus.index as lines: each header field and each record by name, so that a difference names itself.

/// Header fields of versions 12–18 and their sizes, in order.
#[rustfmt::skip]
const HEADER_BEFORE_19: [(&str, usize); 34] = [
    ("generation_no", 4), ("format", 4), ("minor_version", 4), ("start_offset", 4), ("record_size", 4),
    ("num_records", 4), ("last_appenddate", 4), ("last_uid", 4), ("quota_mailbox_used", 8), ("pop3_last_login", 4),
    ("uidvalidity", 4), ("deleted", 4), ("answered", 4), ("flagged", 4), ("options", 4), ("leaked_cache", 4),
    ("highestmodseq", 8), ("deletedmodseq", 8), ("exists", 4), ("first_expunged", 4), ("last_repack_time", 4),
    ("header_file_crc", 4), ("synccrc_basic", 4), ("recentuid", 4), ("recenttime", 4), ("pop3_show_after", 4),
    ("quota_annot_used", 4), ("synccrc_annot", 4), ("unseen", 4), ("createdmodseq", 8), ("changes_epoch", 4),
    ("quota_deleted_used", 8), ("quota_expunged_used", 8), ("crc", 4),
];
/// The same of version 19.
#[rustfmt::skip]
const HEADER_19: [(&str, usize); 34] = [
    ("generation_no", 4), ("format", 4), ("minor_version", 4), ("start_offset", 4), ("record_size", 4),
    ("num_records", 4), ("last_appenddate", 4), ("last_uid", 4), ("quota_mailbox_used", 8), ("pop3_last_login", 4),
    ("uidvalidity", 4), ("deleted", 4), ("answered", 4), ("flagged", 4), ("exists", 4), ("options", 4),
    ("leaked_cache", 4), ("highestmodseq", 8), ("deletedmodseq", 8), ("first_expunged", 4), ("last_repack_time", 4),
    ("header_file_crc", 4), ("synccrc_basic", 4), ("recentuid", 4), ("recenttime", 4), ("pop3_show_after", 4),
    ("quota_annot_used", 4), ("synccrc_annot", 4), ("unseen", 4), ("createdmodseq", 8), ("quota_deleted_used", 8),
    ("quota_expunged_used", 8), ("changes_epoch", 4), ("crc", 4),
];
#[rustfmt::skip]
const RECORD: [(&str, usize); 18] = [
    ("uid", 4), ("internaldate", 4), ("sentdate", 4), ("size", 4), ("header_size", 4), ("gmtime", 4),
    ("cache_offset", 4), ("last_updated", 4), ("system_flags", 4), ("user_flags", 16), ("savedate", 4),
    ("cache_version", 4), ("guid", 20), ("modseq", 8), ("thrid", 8), ("createdmodseq", 8), ("cache_crc", 4),
    ("crc", 4),
];
const HEADER_SIZE: usize = 160;
const RECORD_SIZE: usize = 112;

/// Times at which this server did its own work: nothing of the master's.
const VOLATILE: [&str; 2] = ["last_repack_time", "changes_epoch"];

pub fn lines(index: &[u8]) -> Vec<String> {
    let number = |at: usize| index.get(at..at + 4).map(|b| u32::from_be_bytes(b.try_into().unwrap_or_default()));
    let (Some(minor), Some(start), Some(size)) = (number(8), number(12), number(16)) else {
        return vec![format!("too short: {}", index.escape_ascii())];
    };
    if start as usize != HEADER_SIZE || size as usize != RECORD_SIZE || !(12..=19).contains(&minor) {
        return vec![format!("unknown layout: version {minor}, header {start}, records {size}")];
    }
    let (header, records) = index.split_at(HEADER_SIZE.min(index.len()));
    let layout = if minor < 19 { &HEADER_BEFORE_19[..] } else { &HEADER_19[..] };
    let mut lines: Vec<String> = fields(layout, header).collect();
    lines.extend(records.chunks(RECORD_SIZE).enumerate().map(|(n, record)| {
        let fields: Vec<String> = fields(&RECORD, record).collect();
        format!("record {n}={}", fields.join(" "))
    }));
    lines
}

fn fields<'a>(layout: &'a [(&str, usize)], bytes: &'a [u8]) -> impl Iterator<Item = String> + 'a {
    let mut at = 0;
    layout.iter().map(move |&(name, size)| {
        let value = bytes.get(at..at + size);
        at += size;
        match value {
            None => format!("{name}=(cut)"),
            Some(_) if VOLATILE.contains(&name) => format!("{name}=*"),
            Some(sum) if name == "crc" => {
                format!("crc={}", if valid(sum, &bytes[..at - size]) { "ok" } else { "WRONG" })
            }
            Some(value) => format!("{name}={}", shown(value)),
        }
    })
}

fn shown(value: &[u8]) -> String {
    match value.try_into() {
        Ok(bytes) => u64::from_be_bytes(bytes).to_string(),
        Err(_) => match value.try_into() {
            Ok(bytes) => u32::from_be_bytes(bytes).to_string(),
            Err(_) => value.iter().map(|b| format!("{b:02x}")).collect(),
        },
    }
}

fn valid(sum: &[u8], covered: &[u8]) -> bool {
    sum == crc32fast::hash(covered).to_be_bytes()
}
