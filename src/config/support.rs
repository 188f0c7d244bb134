//! Which configurations can be served.
//!
//! A replica is read by all other Cyrus programs of its host. An option that makes them expect files which this crate
//! does not keep, or in a form that it does not write, is refused before anything is served, with its name.
//!
//! Of the 556 options of 3.12.3's lib/imapoptions (524 in 3.6.1), those that `sync_server` and what it calls (mailbox.c,
//! mboxlist.c, mboxname.c, annotate.c, quota_db.c, seen_db.c, user.c, message.c, sync_log.c) read:
//!
//! | option | here |
//! |---|---|
//! | `configdirectory`, `partition-*`, `metapartition-*`, `metapartition_files`, `defaultpartition`, `mboxname_lockpath`, `*_db_path`, `proc_path`, `hashimapspool`, `fulldirhash`, `virtdomains`, `defaultdomain`, `mailbox_legacy_dirs`, `deletedprefix`, `umask`, `global_lock` | supported |
//! | `annotation_definitions`, `annotation_allow_undefined`, `specialuse_extra` | supported |
//! | `*prefix`, `*folder`, `notesmailbox` that tell a mailbox's kind | supported |
//! | `admins`, `loginrealms`, `username_tolower`, `unix_group_enable`, `allowplaintext`, `failedloginpause`, `sasl_*` | supported: for peers over TCP |
//! | `tls_server_cert`, `tls_server_key`, `tls_versions`, `allowstarttls` | supported; `tls_client_certs: require` turns STARTTLS off; `tls_ciphers` and its like are not read |
//! | `auth_mech`, `proxyservers`, `loginuseacl`, `userdeny_db` | not read: nobody logs in for somebody else, and groups are the system's |
//! | `sievedir`, `sieve_folder`, `sieveusehomedir` | supported; with `sieveusehomedir` no link to the active script is kept |
//! | `mboxlist_db`, `seenstate_db`, `annotation_db` | `twoskip` |
//! | `subscription_db`, `quota_db` | `flat` or `twoskip`, `quotalegacy` |
//! | `conversations` | refused if on; then `conversations_*`, `quota_use_conversations` do not matter |
//! | `archive_enabled`, `archive_after`, `archive_maxsize`, `archive_keepflagged`, `archivepartition-*` | supported |
//! | `object_storage_enabled` | refused if on |
//! | `statuscache`, `statuscache_db_path` | supported, with `twoskip` for `statuscache_db` |
//! | `reverseacls` | not read: `ctl_cyrusdb -r` makes the entries of mailboxes.db, which are kept where they are |
//! | `sync_log`, `sync_log_chain`, `sync_log_channels`, `sync_log_unsuppressable_channels` | supported |
//! | `expunge_mode` | supported; with `immediate`, records are left to the next program of Cyrus that closes the mailbox |
//! | `mupdate_server` | refused: a Murder's backend reports its mailboxes |
//! | `boundary_limit`, `maxheaderlines`, `rfc2046_strict`, `rfc2047_utf8`, `search_skipdiacrit`, `search_whitespace` | refused unless default: cyrus.cache depends on them |
//! | `annotation_callout`, `mailbox_maxmessages_*`, `mailbox_initial_flags`, `mailbox_default_options`, `delete_mode`, `specialuse_protect`, `specialuse_nochildren`, `allowusermoves`, `singleinstancestore`, `autocreate_*`, `munge8bit`, `reject8bit` | not read on a replica's path: they bind what clients of the master do |
//! | `httpmodules`, `caldav_*`, `carddav_*`, `jmap_*` | by mailbox type, when one is applied |
//! | `altnamespace`, `unixhierarchysep`, `userprefix`, `sharedprefix`, `altprefix` | not read: replication speaks in internal names |
//! | `readonly`, `replicaonly`, `temp_path`, `skiplist_unsafe`, `skiplist_always_checkpoint`, `event_*`, `duplicate_db`, `conversations_db`, `search_engine` | nothing that a replica's server writes |
//! | `improved_mboxlist_sort`, `reverseuniqueids` | without effect since 3.6 or earlier |

use super::{
    ConfigError, ImapdConf, options,
    value::{Choice, Number, Setting, Switch},
};

/// Refuses what cannot be served.
///
/// # Errors
/// The first option, in the order of the tables here, that stands in the way.
pub fn check(conf: &ImapdConf) -> Result<(), ConfigError> {
    databases(conf)?;
    for (switch, reason) in KEEPS_MORE {
        if conf.value(*switch) {
            return Err(refuse(conf, switch.name, "on", reason, "turn it off"));
        }
    }
    murder(conf)?;
    cache(conf)
}

/// Switches that make Cyrus expect more than is kept.
const KEEPS_MORE: &[(&Switch, &str)] = &[
    (&options::CONVERSATIONS, "the conversations databases would not follow"),
    (&options::OBJECT_STORAGE_ENABLED, "messages in an object store would not be found"),
];

/// The formats that are written.
const DATABASES: &[(&Choice, &[&str])] = &[
    (&options::MBOXLIST_DB, &["twoskip"]),
    (&options::SEENSTATE_DB, &["twoskip"]),
    (&options::ANNOTATION_DB, &["twoskip"]),
    (&options::SUBSCRIPTION_DB, &["flat", "twoskip"]),
    (&options::QUOTA_DB, &["quotalegacy"]),
];

/// The same where `statuscache` is on.
const STATUS_CACHE: &[(&Choice, &[&str])] = &[(&options::STATUSCACHE_DB, &["twoskip"])];

fn databases(conf: &ImapdConf) -> Result<(), ConfigError> {
    let status_cache = if conf.value(&options::STATUSCACHE) { STATUS_CACHE } else { &[] };
    for (choice, supported) in DATABASES.iter().chain(status_cache) {
        let given = conf.value(*choice);
        if !supported.contains(&given) {
            let supported = supported.join(" or ");
            let remedy = format!("convert the database with cvt_cyrusdb and set the option to {supported}");
            return Err(refuse(conf, choice.name, given, "databases of this format are not written", &remedy));
        }
    }
    Ok(())
}

fn murder(conf: &ImapdConf) -> Result<(), ConfigError> {
    match conf.value(&options::MUPDATE_SERVER) {
        Some(server) => {
            let reason = "the mupdate server would not learn of mailboxes";
            Err(refuse(conf, options::MUPDATE_SERVER.name, &server, reason, "remove it"))
        }
        None => Ok(()),
    }
}

fn cache(conf: &ImapdConf) -> Result<(), ConfigError> {
    fn given<S: Setting>(conf: &ImapdConf, setting: &S) -> Option<(&'static str, String)>
    where
        S::Value: PartialEq + ToString,
    {
        let value = conf.value(setting);
        (value != setting.default()).then(|| (setting.name(), value.to_string()))
    }
    const NUMBERS: [&Number; 2] = [&options::BOUNDARY_LIMIT, &options::MAXHEADERLINES];
    const SWITCHES: [&Switch; 3] = [&options::RFC2046_STRICT, &options::RFC2047_UTF8, &options::SEARCH_SKIPDIACRIT];
    let numbers = NUMBERS.iter().find_map(|number| given(conf, *number));
    let switches = || SWITCHES.iter().find_map(|switch| given(conf, *switch));
    let other = numbers.or_else(switches).or_else(|| given(conf, &options::SEARCH_WHITESPACE));
    match other {
        Some((name, value)) => {
            Err(refuse(conf, name, &value, "cyrus.cache is written as the default wants it", "remove it"))
        }
        None => Ok(()),
    }
}

fn refuse(conf: &ImapdConf, option: &'static str, value: &str, reason: &'static str, remedy: &str) -> ConfigError {
    ConfigError::Unsupported {
        place: conf.place(option),
        option,
        value: value.to_owned(),
        reason,
        remedy: remedy.to_owned(),
    }
}
