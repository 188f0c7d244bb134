//! The options that this crate reads, with the types and defaults of lib/imapoptions.
//!
//! 3.6.1 and 3.12.3 agree on all of them, but for `maxliteral`, `maxquoted` and `maxword`, which are bare numbers in
//! 3.6.1, and for `global_lock` and `jmapnotificationfolder`, which it lacks.

use super::{
    safety::Rate,
    value::{Bytes, Choice, Known, Number, Seconds, Switch, Text, Words},
};

/// The table: a constant for each option, and a list of all.
macro_rules! table {
    ($($(#[$doc:meta])* $option:ident: $type:ident { $($field:ident: $value:expr),* };)*) => {
        $($(#[$doc])* pub const $option: $type = $type { $($field: $value),* };)*
        const ALL: &[&dyn Known] = &[$(&$option),*];

        /// The options that are not as `cyr_info conf-all` printed them: their names and both values.
        #[cfg(test)]
        pub(super) fn differences(conf: &super::ImapdConf, printed: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
            use super::value::Setting;
            let mut differences = Vec::new();
            $(if let Some(text) = printed($option.name) {
                let expected = if text.is_empty() { Ok($option.default()) } else { $option.parse(&text) };
                let value = conf.value(&$option);
                if expected.as_ref() != Ok(&value) {
                    differences.push(format!("{}: {expected:?}, not {value:?}", $option.name));
                }
            })*
            differences
        }
    };
}

/// Old names and what they are called now (the deprecation fields of lib/imapoptions).
pub(super) const RENAMED: &[(&str, &str)] = &[
    (TLS_CERT_FILE.name, TLS_SERVER_CERT.name),
    (TLS_KEY_FILE.name, TLS_SERVER_KEY.name),
    (ARCHIVE_DAYS.name, ARCHIVE_AFTER.name),
];

/// The option of a name.
pub(super) fn find(name: &str) -> Option<&'static dyn Known> {
    ALL.iter().copied().find(|option| option.name() == name)
}

/// The names of all options of the table.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|option| option.name())
}

/// The names that a database option can have; not all are supported.
const DATABASES: &[&str] = &["flat", "skiplist", "sql", "quotalegacy", "twoskip", "zeroskip"];

table! {
    // Where things are.

    /// Cyrus's own files. Must be given.
    CONFIGDIRECTORY: Text { name: "configdirectory", default: None };
    /// The partition of mailboxes made by clients that name none.
    DEFAULTPARTITION: Text { name: "defaultpartition", default: None };
    /// Lock files; by default `lock` beneath `configdirectory`.
    MBOXNAME_LOCKPATH: Text { name: "mboxname_lockpath", default: None };
    /// Who is connected; by default `proc` beneath `configdirectory`.
    PROC_PATH: Text { name: "proc_path", default: None };
    /// By default `mailboxes.db` beneath `configdirectory`.
    MBOXLIST_DB_PATH: Text { name: "mboxlist_db_path", default: None };
    /// By default `annotations.db` beneath `configdirectory`.
    ANNOTATION_DB_PATH: Text { name: "annotation_db_path", default: None };
    /// For `quotalegacy` a folder, by default `configdirectory` itself.
    QUOTA_DB_PATH: Text { name: "quota_db_path", default: None };
    /// Sieve scripts.
    SIEVEDIR: Text { name: "sievedir", default: Some("/usr/sieve") };
    /// Sieve scripts in the users' home directories.
    SIEVEUSEHOMEDIR: Switch { name: "sieveusehomedir", default: false };
    /// The mailbox, beneath the user's, that holds Sieve scripts.
    SIEVE_FOLDER: Text { name: "sieve_folder", default: Some("#sieve") };
    /// Top-level folder of calendars.
    CALENDARPREFIX: Text { name: "calendarprefix", default: Some("#calendars") };
    /// Top-level folder of address books.
    ADDRESSBOOKPREFIX: Text { name: "addressbookprefix", default: Some("#addressbooks") };
    /// Top-level folder of notes.
    NOTESMAILBOX: Text { name: "notesmailbox", default: None };
    /// Top-level folder of DAV notifications.
    DAVNOTIFICATIONSPREFIX: Text { name: "davnotificationsprefix", default: Some("#notifications") };
    /// Top-level folder of JMAP submissions.
    JMAPSUBMISSIONFOLDER: Text { name: "jmapsubmissionfolder", default: Some("#jmapsubmission") };
    /// Top-level folder of JMAP notifications.
    JMAPNOTIFICATIONFOLDER: Text { name: "jmapnotificationfolder", default: Some("#jmapnotification") };
    /// What deleted mailboxes are renamed beneath.
    DELETEDPREFIX: Text { name: "deletedprefix", default: Some("DELETED") };

    // How folders and files are laid out.

    /// Partitions have a level of one-letter folders.
    HASHIMAPSPOOL: Switch { name: "hashimapspool", default: false };
    /// One-letter folders come from a hash of the whole name.
    FULLDIRHASH: Switch { name: "fulldirhash", default: false };
    /// User names have domains.
    VIRTDOMAINS: Choice { name: "virtdomains", default: "off", values: &["off", "userid", "on"] };
    /// The domain that is left out of names.
    DEFAULTDOMAIN: Text { name: "defaultdomain", default: Some("internal") };
    /// New mailboxes' folders are named after them.
    MAILBOX_LEGACY_DIRS: Switch { name: "mailbox_legacy_dirs", default: false };
    /// The files that are on `metapartition-NAME`.
    METAPARTITION_FILES: Words { name: "metapartition_files", values: &[
        "header", "index", "cache", "expunge", "squat", "annotations", "lock", "dav", "archivecache",
    ] };
    /// File creation mask, in octal.
    UMASK: Text { name: "umask", default: Some("077") };
    /// Writers hold the global lock, shared.
    GLOBAL_LOCK: Switch { name: "global_lock", default: true };
    /// This crate's own: the index version of new mailboxes.
    SYNC_SERVER_INDEX_VERSION: Choice {
        name: "sync_server_index_version", default: "19", values: &["17", "19", "20"]
    };

    // What guards the replica; this crate's own.

    /// How long mailboxes that a peer removes are kept aside; 0 is not at all.
    SYNC_SERVER_TRASH: Seconds { name: "sync_server_trash", default: 0, unit: 'd' };
    /// How many mailboxes peers may remove in which time.
    SYNC_SERVER_MAX_DELETES: Rate { name: "sync_server_max_deletes" };
    /// The free space that uploads leave on a partition; 0 is none.
    SYNC_SERVER_MIN_FREE: Bytes { name: "sync_server_min_free", default: 0, unit: 1 };

    // Formats of databases.

    /// mailboxes.db.
    MBOXLIST_DB: Choice { name: "mboxlist_db", default: "twoskip", values: DATABASES };
    /// Users' `.seen` files.
    SEENSTATE_DB: Choice { name: "seenstate_db", default: "twoskip", values: DATABASES };
    /// annotations.db and mailboxes' cyrus.annotations.
    ANNOTATION_DB: Choice { name: "annotation_db", default: "twoskip", values: DATABASES };
    /// Users' `.sub` files.
    SUBSCRIPTION_DB: Choice { name: "subscription_db", default: "flat", values: DATABASES };
    /// Quota roots.
    QUOTA_DB: Choice { name: "quota_db", default: "quotalegacy", values: DATABASES };

    // Annotations.

    /// The file that defines more of them.
    ANNOTATION_DEFINITIONS: Text { name: "annotation_definitions", default: None };
    /// Those that are not defined are taken too.
    ANNOTATION_ALLOW_UNDEFINED: Switch { name: "annotation_allow_undefined", default: false };
    /// More special uses of mailboxes.
    SPECIALUSE_EXTRA: Text { name: "specialuse_extra", default: None };

    // What else would be kept, or be kept in another way.

    /// Conversations databases.
    CONVERSATIONS: Switch { name: "conversations", default: false };
    /// Old messages on `archivepartition-NAME`.
    ARCHIVE_ENABLED: Switch { name: "archive_enabled", default: false };
    /// From which age on.
    ARCHIVE_AFTER: Seconds { name: "archive_after", default: 7 * 24 * 60 * 60, unit: 'd' };
    /// What that was called before 3.2.
    ARCHIVE_DAYS: Text { name: "archive_days", default: None };
    /// From which size on, whatever their age.
    ARCHIVE_MAXSIZE: Bytes { name: "archive_maxsize", default: 1 << 20, unit: 1 << 10 };
    /// Whether flagged messages stay.
    ARCHIVE_KEEPFLAGGED: Switch { name: "archive_keepflagged", default: false };
    /// Messages in an object store.
    OBJECT_STORAGE_ENABLED: Switch { name: "object_storage_enabled", default: false };
    /// A cache of STATUS replies.
    STATUSCACHE: Switch { name: "statuscache", default: false };
    /// Its format.
    STATUSCACHE_DB: Choice { name: "statuscache_db", default: "twoskip", values: DATABASES };
    /// Its file; by default `statuscache.db` beneath `configdirectory`.
    STATUSCACHE_DB_PATH: Text { name: "statuscache_db_path", default: None };
    /// When the files of expunged messages are removed.
    EXPUNGE_MODE: Choice {
        name: "expunge_mode", default: "delayed", values: &["immediate", "semidelayed", "delayed"]
    };
    /// The Murder's list of mailboxes.
    MUPDATE_SERVER: Text { name: "mupdate_server", default: None };
    /// Logs of changes, for rolling replication and search.
    SYNC_LOG: Switch { name: "sync_log", default: false };
    /// Such logs of what a replica receives.
    SYNC_LOG_CHAIN: Switch { name: "sync_log_chain", default: false };
    /// The names of such logs.
    SYNC_LOG_CHANNELS: Text { name: "sync_log_channels", default: None };
    /// Those that a replica writes without `sync_log_chain`.
    SYNC_LOG_UNSUPPRESSABLE_CHANNELS: Text { name: "sync_log_unsuppressable_channels", default: Some("squatter") };

    // What goes into cyrus.cache.

    /// Levels of MIME structure.
    BOUNDARY_LIMIT: Number { name: "boundary_limit", default: 1000 };
    /// Header lines of a message.
    MAXHEADERLINES: Number { name: "maxheaderlines", default: 1000 };
    /// Boundaries that begin with another boundary.
    RFC2046_STRICT: Switch { name: "rfc2046_strict", default: false };
    /// Raw UTF-8 in headers.
    RFC2047_UTF8: Switch { name: "rfc2047_utf8", default: false };
    /// Accents are dropped.
    SEARCH_SKIPDIACRIT: Switch { name: "search_skipdiacrit", default: true };
    /// White space is merged.
    SEARCH_WHITESPACE: Choice { name: "search_whitespace", default: "merge", values: &["skip", "merge", "keep"] };

    // The connection.

    /// The name in the banner; by default the host's.
    SERVERNAME: Text { name: "servername", default: None };
    /// How long to wait for the peer; at least 3 seconds are waited.
    SYNC_TIMEOUT: Seconds { name: "sync_timeout", default: 30 * 60, unit: 's' };
    /// The longest literal of a command, messages aside.
    MAXLITERAL: Bytes { name: "maxliteral", default: 128 << 10, unit: 1 };
    /// The longest quoted string.
    MAXQUOTED: Bytes { name: "maxquoted", default: 128 << 10, unit: 1 };
    /// The longest atom.
    MAXWORD: Bytes { name: "maxword", default: 128 << 10, unit: 1 };
    /// Probes on idle TCP connections.
    TCP_KEEPALIVE: Switch { name: "tcp_keepalive", default: false };
    /// How many probes; 0 is the system's number.
    TCP_KEEPALIVE_CNT: Number { name: "tcp_keepalive_cnt", default: 0 };
    /// After how long; 0 is the system's time.
    TCP_KEEPALIVE_IDLE: Seconds { name: "tcp_keepalive_idle", default: 0, unit: 's' };
    /// How far apart; 0 is the system's time.
    TCP_KEEPALIVE_INTVL: Seconds { name: "tcp_keepalive_intvl", default: 0, unit: 's' };
    // Who may log in, and how.

    /// Names of administrators, with spaces between them; `group:NAME` are the members of a group.
    ADMINS: Text { name: "admins", default: Some("") };
    /// Realms whose users may log in as `user@realm`.
    LOGINREALMS: Text { name: "loginrealms", default: Some("") };
    /// Names of users are taken in lower case.
    USERNAME_TOLOWER: Switch { name: "username_tolower", default: true };
    /// Whether `group:` counts.
    UNIX_GROUP_ENABLE: Switch { name: "unix_group_enable", default: true };
    /// Mechanisms that show the password to who listens are offered without TLS.
    ALLOWPLAINTEXT: Switch { name: "allowplaintext", default: false };
    /// How long a failed login takes.
    FAILEDLOGINPAUSE: Seconds { name: "failedloginpause", default: 3, unit: 's' };
    /// The least and the most bits of a key of a SASL layer.
    SASL_MINIMUM_LAYER: Number { name: "sasl_minimum_layer", default: 0 };
    /// See there.
    SASL_MAXIMUM_LAYER: Number { name: "sasl_maximum_layer", default: 256 };
    /// STARTTLS is offered; 3.6.1, which has no such option, always does.
    ALLOWSTARTTLS: Switch { name: "allowstarttls", default: false };
    /// Versions of TLS, with spaces between them.
    TLS_VERSIONS: Text { name: "tls_versions", default: Some("tls1_0 tls1_1 tls1_2 tls1_3") };
    /// Whether clients show certificates.
    TLS_CLIENT_CERTS: Choice { name: "tls_client_certs", default: "optional", values: &["off", "optional", "require"] };
    /// The server's certificate, for STARTTLS.
    TLS_SERVER_CERT: Text { name: "tls_server_cert", default: None };
    /// Its key.
    TLS_SERVER_KEY: Text { name: "tls_server_key", default: None };
    /// An older name of `tls_server_cert`.
    TLS_CERT_FILE: Text { name: "tls_cert_file", default: None };
    /// An older name of `tls_server_key`.
    TLS_KEY_FILE: Text { name: "tls_key_file", default: None };

    // The process.

    /// What comes before the service's name in the system log.
    SYSLOG_PREFIX: Text { name: "syslog_prefix", default: None };
    /// The facility of the system log.
    SYSLOG_FACILITY: Text { name: "syslog_facility", default: None };
    /// Log debug messages.
    DEBUG: Switch { name: "debug", default: false };
}
