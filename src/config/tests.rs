use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    ConfigError, ImapdConf, options, spool, support,
    value::{Bytes, Number, Seconds, Setting, Switch},
};
use crate::{
    store::cyrus::disk::testing::TestDir,
    store::cyrus::options::{CyrusOptions, IndexVersion, MetaFile, Release, VirtualDomains},
    store::cyrus::safety::{RemovalLimit, Safety},
    types::Partition,
};

/// Reads a configuration of these lines, and `configdirectory`, as the service `syncserver`.
fn read(lines: &str) -> Result<ImapdConf, ConfigError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("imapd.conf-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    fs::write(&path, format!("configdirectory: /conf\n{lines}")).unwrap();
    let conf = ImapdConf::read(&path, "syncserver");
    fs::remove_file(&path).unwrap();
    conf
}

/// The error's text, with the file's name left out.
fn error(lines: &str) -> String {
    let text = read(lines).and_then(|conf| support::check(&conf)).expect_err(lines).to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    text.split_whitespace().map(shorten).collect::<Vec<_>>().join(" ")
}

fn shorten(word: &str) -> String {
    let file = word.find("imapd.conf-").filter(|_| word.starts_with('/'));
    file.map_or_else(|| word.into(), |_| word.split_once(':').map_or("conf".into(), |(_, rest)| format!("conf:{rest}")))
}

mod as_the_reference {
    use super::*;

    /// What `cyr_info -n syncserver conf-all` of real Cyrus printed for tests/golden/config/imapd.conf.
    fn printed(release: &str) -> BTreeMap<String, String> {
        let text = fs::read_to_string(format!("tests/golden/config/{release}.txt")).unwrap();
        let mut options = BTreeMap::new();
        for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
            // A deprecated name comes twice: what became of it, then the line as it was given.
            // A time span without a value is printed like a missing string of C.
            options.entry(name.to_owned()).or_insert_with(|| value.replace("(null)", ""));
        }
        options
    }

    fn golden() -> ImapdConf {
        ImapdConf::read("tests/golden/config/imapd.conf".as_ref(), "syncserver").unwrap()
    }

    #[test]
    fn every_option_of_the_table_has_the_value_that_cyr_info_prints() {
        let given_to_one = ["maxword", "maxquoted"];
        for release in ["3.6.1", "3.12.3"] {
            let printed = printed(release);
            let printed =
                |name: &str| printed.get(name).filter(|_| !given_to_one.contains(&name) || release != "3.6.1").cloned();
            assert_eq!(options::differences(&golden(), &printed), Vec::<String>::new(), "{release}");
        }
    }

    #[test]
    fn every_option_of_the_table_is_one_of_the_reference() {
        let printed = printed("3.12.3");
        let names = options::names().filter(|name| !name.starts_with("sync_server_"));
        assert_eq!(names.filter(|name| !printed.contains_key(*name)).collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn other_options_are_kept_as_written() {
        let conf = golden();
        for (name, value) in printed("3.12.3") {
            if options::names().all(|known| known != name) {
                assert_eq!(conf.overflow.get(&name).map(|entry| entry.text.as_str()), Some(value.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn a_deprecated_name_is_warned_about_with_its_line() {
        let warnings = golden().warnings().join("\n");
        assert!(warnings.contains("imapd.conf:23: option 'tls_cert_file' is deprecated"), "{warnings}");
    }
}

mod syntax {
    use super::*;

    #[test]
    fn a_backslash_joins_lines_as_they_are() {
        let conf = read("servername: a\\\n  b\\\nc\nsync_timeout: 7\n").unwrap();
        assert_eq!(conf.servername(), "a  bc");
        assert_eq!(conf.value(&options::SYNC_TIMEOUT), 7);
    }

    #[test]
    fn a_joined_line_that_the_file_ends_is_dropped_as_in_the_reference() {
        let conf = read("defaultpartition: one\\\n").unwrap();
        assert_eq!(conf.value(&options::DEFAULTPARTITION), None);
        assert_eq!(read("servername: one\\").unwrap().servername(), "one\\");
    }

    #[test]
    fn the_own_service_wins_whatever_the_order() {
        for lines in ["sync_timeout: 1\nsyncserver_sync_timeout: 2\n", "syncserver_sync_timeout: 2\nsync_timeout: 1\n"]
        {
            assert_eq!(read(lines).unwrap().value(&options::SYNC_TIMEOUT), 2);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_no_error() {
        let path = std::env::temp_dir().join(format!("latin1-{}", std::process::id()));
        fs::write(&path, b"configdirectory: /conf\n# caf\xe9\npostmaster: J\xfcrgen\n").unwrap();
        assert!(ImapdConf::read(&path, "syncserver").is_ok());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let table = [
            ("servername : x\n", "conf:2: invalid option name;"),
            ("no colon\n", "conf:2: invalid option name;"),
            ("\n\nservername:  \n", "conf:4: option 'servername' has no value;"),
            ("@exclude: x\n", "conf:2: '@exclude' is not a directive;"),
            ("@include: /nonexistent/file\n", "/nonexistent/file: cannot read the configuration file: No such file"),
            ("foo: 1\nFOO: 2\n", "conf:3: option 'foo' was already given at conf:2;"),
            ("debug: on\ndebug: off\n", "conf:3: option 'debug' was already given at conf:2;"),
            ("syncserver_debug: on\nsyncserver_debug: on\n", "conf:3: option 'syncserver_debug' was already given"),
            ("debug: On\n", "conf:2: option 'debug' cannot be 'On': it takes on or off"),
            (
                "virtdomains: maybe\n",
                "conf:2: option 'virtdomains' cannot be 'maybe': it takes one of: off, userid, on",
            ),
            (
                "metapartition_files: index foo\n",
                "conf:2: option 'metapartition_files' cannot be 'index foo': it takes",
            ),
            (
                "sync_server_max_deletes: 50\n",
                "conf:2: option 'sync_server_max_deletes' cannot be '50': it takes a number",
            ),
            ("sync_server_max_deletes: 0/h\n", "conf:2: option 'sync_server_max_deletes' cannot be '0/h': it takes"),
            ("sync_server_max_deletes: +5/h\n", "conf:2: option 'sync_server_max_deletes' cannot be '+5/h': it takes"),
            ("sync_server_trash: 1w\n", "conf:2: option 'sync_server_trash' cannot be '1w': it takes a duration"),
            ("sync_server_min_free: 5T\n", "conf:2: option 'sync_server_min_free' cannot be '5T': it takes a size"),
            ("sync_timeout: soon\n", "conf:2: option 'sync_timeout' cannot be 'soon': it takes a duration"),
            ("defaultpartition: a-b\n", "conf:2: option 'defaultpartition' cannot be 'a-b': it takes letters and"),
        ];
        for (lines, expected) in table {
            let text = error(lines);
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn a_file_may_be_included_once() {
        let folder = std::env::temp_dir().join(format!("include-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path: PathBuf = folder.join("a");
        fs::write(&path, format!("configdirectory: /conf\n@include: {}\n", path.display())).unwrap();
        let twice = ImapdConf::read(&path, "x").unwrap_err();
        assert!(matches!(twice, ConfigError::IncludedTwice { .. }), "{twice}");
        // The same file under ever longer names: the reference runs out of descriptors.
        for depth in 0..100 {
            let next = format!("{}/{}b{}", folder.display(), "./".repeat(depth), depth + 1);
            fs::write(folder.join(format!("b{depth}")), format!("@include: {next}\n")).unwrap();
        }
        let deep = ImapdConf::read(&folder.join("b0"), "x").unwrap_err();
        assert!(matches!(deep, ConfigError::IncludedTooDeep { limit: 64, .. }), "{deep}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn configdirectory_must_be_given() {
        let missing = ImapdConf::read("/dev/null".as_ref(), "x").unwrap_err();
        assert_eq!(missing.to_string(), "/dev/null: option 'configdirectory' is not given; add it");
        assert_eq!(missing.exit_code(), 78);
    }
}

mod values {
    use super::*;

    /// From lib/libconfig.c: `config_parse_switch`, `config_parseduration`, `config_parsebytesize`, and strtol.
    #[test]
    fn are_read_as_the_reference_does() {
        let switch = |text| Switch { name: "", default: false }.parse(text).ok();
        let on = ["1", "y", "yes", "yep", "on", "only", "t", "true"];
        let off = ["0", "n", "no", "never", "of", "off", "f", "false"];
        assert!(on.iter().all(|text| switch(text) == Some(true)));
        assert!(off.iter().all(|text| switch(text) == Some(false)));
        assert!(["", "o", "ON", "True", "2"].iter().all(|text| switch(text).is_none()));

        let seconds = |text| Seconds { name: "", default: 0, unit: 'm' }.parse(text).ok();
        let table = [("5", 300), ("5s", 5), ("1d12h", 129_600), ("1h30", 5400), ("-1", -60), ("30m1s", 1801)];
        assert!(table.iter().all(|(text, value)| seconds(text) == Some(*value)));
        assert!(
            ["", "-", "m", "5x", "5mm", "24856d", "99999999999s", "1 h"].iter().all(|text| seconds(text).is_none())
        );

        let bytes = |text| Bytes { name: "", default: 0, unit: 1 }.parse(text).ok();
        let table =
            [("7", 7), ("7b", 7), ("64K", 65536), ("1 MiB", 1 << 20), ("2g", 2 << 30), ("-1", -1), ("+1ki", 1024)];
        assert!(table.iter().all(|(text, value)| bytes(text) == Some(*value)));
        assert!(["", "K", "1T", "1KK", "1bi", "9223372036854775807K"].iter().all(|text| bytes(text).is_none()));

        let number = |text| Number { name: "", default: 0 }.parse(text).ok();
        assert_eq!(
            [number("10"), number("0x1F"), number("-010"), number("0")],
            [Some(10), Some(31), Some(-8), Some(0)]
        );
        assert!(["", "1k", "--1", "0x", "08"].iter().all(|text| number(text).is_none()));
    }
}

mod what_cannot_be_served {
    use super::*;

    #[test]
    fn is_refused_by_name() {
        let table = [
            ("conversations: 1\n", "conf:2: option 'conversations' is 'on', which is not supported: the conversations"),
            ("object_storage_enabled: yes\n", "conf:2: option 'object_storage_enabled' is 'on'"),
            ("statuscache: yes\nstatuscache_db: skiplist\n", "conf:3: option 'statuscache_db' is 'skiplist'"),
            ("mboxlist_db: skiplist\n", "conf:2: option 'mboxlist_db' is 'skiplist'"),
            ("subscription_db: skiplist\n", "conf:2: option 'subscription_db' is 'skiplist'"),
            ("quota_db: flat\n", "conf:2: option 'quota_db' is 'flat'"),
            ("mupdate_server: mupdate.example.org\n", "conf:2: option 'mupdate_server' is 'mupdate.example.org'"),
            ("boundary_limit: 10\n", "conf:2: option 'boundary_limit' is '10'"),
            ("search_skipdiacrit: 0\n", "conf:2: option 'search_skipdiacrit' is 'false'"),
            ("search_whitespace: keep\n", "conf:2: option 'search_whitespace' is 'keep'"),
        ];
        for (lines, expected) in table {
            let text = error(lines);
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn does_not_include_what_a_replica_never_touches() {
        let lines = "conversations: off\nhttpmodules: caldav carddav\nhttpallowcors: x\nconversations_db: twoskip\n\
                     reverseacls: yes\nstatuscache_db: skiplist\n";
        assert!(support::check(&read(lines).unwrap()).is_ok());
    }
}

mod the_spool {
    use super::*;

    #[test]
    fn says_which_sync_logs_tell_of_what_is_received() {
        let lines = format!("partition-a: {0}\nsyncserver_configdirectory: {0}\n", std::env::temp_dir().display());
        let table: [(&str, &[&str]); 7] = [
            ("sync_log_chain: on\n", &[]),
            ("sync_log: on\n", &[]),
            ("sync_log: on\nsync_log_channels: a \"\"\n", &[]),
            ("sync_log: on\nsync_log_channels: \"\"  squatter\n", &["squatter"]),
            ("sync_log: on\nsync_log_channels: a b\nsync_log_unsuppressable_channels: b \"\"\n", &["b"]),
            ("sync_log: on\nsync_log_unsuppressable_channels: b \"\"\n", &[""]),
            ("sync_log: on\nsync_log_chain: on\nsync_log_channels: \"\" squatter\n", &["", "squatter"]),
        ];
        for (more, expected) in table {
            let store = spool::cyrus_options(&read(&format!("{lines}{more}")).unwrap()).unwrap();
            assert_eq!(store.sync_log, expected, "{more}");
        }
    }

    #[test]
    fn has_the_own_services_directories() {
        let conf =
            read("partition-a: /a\nsyncserver_partition-a: /own\npartition-b: /b\nmetapartition-a: /m\n").unwrap();
        let names: Vec<_> = spool::partitions(&conf).unwrap().into_iter().collect();
        assert_eq!(names, [("a".to_owned(), "/own".into()), ("b".to_owned(), PathBuf::from("/b"))]);
        assert_eq!(spool::metapartitions(&conf).len(), 1);
    }

    #[test]
    fn must_have_the_default_partition() {
        let conf = read("defaultpartition: Main\npartition-other: /o\n").unwrap();
        let missing = spool::partitions(&conf).unwrap_err();
        assert!(missing.to_string().ends_with("option 'partition-main' is not given; add it"), "{missing}");
        assert!(spool::partitions(&read("").unwrap()).is_err());
    }

    #[test]
    fn that_is_not_there_may_come_back() {
        let folder = std::env::temp_dir();
        let lines = format!("syncserver_configdirectory: {}\npartition-a: /nonexistent/a\n", folder.display());
        let away = spool::check(&read(&lines).unwrap()).unwrap_err();
        assert_eq!(away.exit_code(), 75);
        assert!(
            away.to_string().contains(":3: the directory /nonexistent/a of option 'partition-a' cannot be used"),
            "{away}"
        );
        let relative = read(&lines.replace("/nonexistent/a", "{configdirectory}/a")).unwrap();
        assert_eq!(spool::check(&relative).unwrap_err().exit_code(), 78);
    }

    #[test]
    fn is_described_to_the_store() {
        let folder = std::env::temp_dir();
        let lines = format!(
            "syncserver_configdirectory: {0}\ndefaultpartition: Main\npartition-main: {0}\nmetapartition-main: {0}\n\
             metadir-index-main: /fast\nmetapartition_files: header lock cache\nvirtdomains: yes\numask: 027\n\
             hashimapspool: yes\nsync_server_index_version: 17\nmboxlist_db_path: /db/mailboxes.db\n",
            folder.display()
        );
        let store = spool::cyrus_options(&read(&lines).unwrap()).unwrap();
        let main = Partition::parse(b"main").unwrap();
        let directories = store.partitions.get(&main).unwrap();
        assert_eq!((&directories.data, directories.meta.as_ref()), (&folder, Some(&folder)));
        assert_eq!(directories.single, [(MetaFile::Index, PathBuf::from("/fast"))].into());
        assert_eq!(store.default_partition, Some(main));
        assert_eq!(store.metapartition_files, [MetaFile::Header, MetaFile::Cache].into());
        assert_eq!((store.virtual_domains, store.umask, store.hash_spool), (VirtualDomains::On, 0o027, true));
        assert_eq!((store.index_version, store.release), (IndexVersion::V17, Release::V3_6));
        assert_eq!(store.mailbox_list.path, Some("/db/mailboxes.db".into()));
    }

    #[test]
    fn is_guarded_as_configured() {
        let folder = std::env::temp_dir();
        let lines = format!("syncserver_configdirectory: {0}\npartition-a: {0}\n", folder.display());
        let safety = |more: &str| spool::cyrus_options(&read(&format!("{lines}{more}")).unwrap()).map(|it| it.safety);
        assert_eq!(safety("").unwrap(), Safety::default());
        assert_eq!(safety("sync_server_trash: 0\nsync_server_max_deletes: 0\n").unwrap(), Safety::default());
        let given = "sync_server_trash: 30\nsync_server_max_deletes: 50/h\nsync_server_min_free: 5G\n";
        let expected = Safety {
            trash: Some(Duration::from_secs(30 * 86400)),
            max_removals: Some(RemovalLimit { count: 50, seconds: 3600 }),
            min_free: 5 << 30,
            ..Safety::default()
        };
        assert_eq!(safety(given).unwrap(), expected);
        for (more, expected) in [
            ("sync_server_trash: -1d\n", "option 'sync_server_trash' cannot be '-86400': it takes a duration such as"),
            ("sync_server_min_free: -1\n", "option 'sync_server_min_free' cannot be '-1': it takes a size such as"),
            ("sync_server_trash: 1d\ndeletedprefix: GONE\n", "option 'sync_server_trash' is '86400s', which is not"),
        ] {
            let refused = safety(more).unwrap_err();
            assert_eq!(refused.exit_code(), 78);
            assert!(refused.to_string().contains(expected), "{refused}");
        }
    }

    #[test]
    fn of_an_older_cyrus_must_be_named() {
        let folder = TestDir::new("older");
        fs::create_dir_all(folder.path("lock/j")).unwrap();
        let lines = format!("syncserver_configdirectory: {0}\npartition-a: {0}\n", folder.path("").display());
        let release =
            |more: &str| spool::cyrus_options(&read(&format!("{lines}{more}")).unwrap()).map(|store| store.release);
        assert_eq!(release("").unwrap(), Release::V3_12);
        fs::write(folder.path("lock/j/*U*jane^doe.lock"), "").unwrap();
        let refused = release("").unwrap_err();
        assert_eq!(refused.exit_code(), 78);
        let text = refused.to_string();
        assert!(
            text.contains("*U*jane^doe.lock was made by a Cyrus before 3.12; set") && !text.contains('\n'),
            "{text}"
        );
        assert_eq!(release("sync_server_index_version: 17\n").unwrap(), Release::V3_6);
        assert_eq!(release("sync_server_index_version: 19\n").unwrap(), Release::V3_10);
        fs::write(folder.path("lock/j/$GLOBAL.lock"), "").unwrap();
        assert_eq!(release("").unwrap(), Release::V3_12);
        assert_eq!(release("sync_server_index_version: 19\n").unwrap(), Release::V3_12);
    }

    #[test]
    fn is_described_as_the_stores_defaults_if_nothing_else_is_given() {
        let folder = std::env::temp_dir();
        let lines = format!("syncserver_configdirectory: {0}\npartition-a: {0}\n", folder.display());
        let mut store = spool::cyrus_options(&read(&lines).unwrap()).unwrap();
        store.partitions.clear();
        assert_eq!(
            format!("{store:?}"),
            format!(
                "{:?}",
                CyrusOptions {
                    cache: store.cache.clone(),
                    sieve_directory: Some("/usr/sieve".into()),
                    ..CyrusOptions::new(folder)
                }
            )
        );
    }
}
