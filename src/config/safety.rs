//! The options that guard a replica against its master's mistakes and against a full disk; all of them this crate's own.

use super::{
    ConfigError, ImapdConf, options,
    value::{Expected, Setting},
};
use crate::store::cyrus::safety::{RemovalLimit, Safety};
use std::time::Duration;

/// The tree of deleted mailboxes that the store writes into and that replication knows by this name.
const DELETED: &str = "DELETED";

/// What the store guards against.
///
/// # Errors
/// A value below zero, or a trash that would not lie where Cyrus's own tools look for deleted mailboxes.
pub fn safety(conf: &ImapdConf) -> Result<Safety, ConfigError> {
    let seconds = not_negative(conf, &options::SYNC_SERVER_TRASH, "a duration such as 12h or 30d, or 0 for none")?;
    let min_free = not_negative(conf, &options::SYNC_SERVER_MIN_FREE, "a size such as 500M or 5G, or 0 for none")?;
    let trash = (seconds > 0).then(|| Duration::from_secs(seconds));
    if trash.is_some() && conf.value(&options::DELETEDPREFIX).as_deref() != Some(DELETED) {
        return Err(ConfigError::Unsupported {
            place: conf.place(options::SYNC_SERVER_TRASH.name),
            option: options::SYNC_SERVER_TRASH.name,
            value: format!("{seconds}s"),
            reason: "mailboxes are kept aside below DELETED, and deletedprefix says otherwise",
            remedy: "remove deletedprefix, or this option".into(),
        });
    }
    Ok(Safety { trash, max_removals: conf.value(&options::SYNC_SERVER_MAX_DELETES), min_free, ..Safety::default() })
}

fn not_negative<S: Setting>(conf: &ImapdConf, setting: &S, expected: &str) -> Result<u64, ConfigError>
where
    S::Value: Into<i64>,
{
    let value: i64 = conf.value(setting).into();
    u64::try_from(value).map_err(|_| ConfigError::BadValue {
        place: conf.place(setting.name()),
        option: setting.name().into(),
        value: value.to_string(),
        expected: expected.into(),
    })
}

/// How many in which time: a number, a slash, and `m`, `h` or `d`; `0` is no limit.
#[derive(Debug)]
pub struct Rate {
    /// Its name.
    pub name: &'static str,
}

impl Setting for Rate {
    type Value = Option<RemovalLimit>;
    fn name(&self) -> &'static str {
        self.name
    }
    fn parse(&self, text: &str) -> Result<Option<RemovalLimit>, Expected> {
        let limit = || {
            let (number, unit) = text.split_once('/')?;
            let seconds = match unit {
                "m" => 60,
                "h" => 3600,
                "d" => 86400,
                _ => return None,
            };
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            let count = number.parse().ok().filter(|count| digits && *count > 0)?;
            Some(RemovalLimit { count, seconds })
        };
        match text {
            "0" => Ok(None),
            _ => limit().map(Some).ok_or_else(|| "a number of mailboxes per minute, hour or day, such as 50/h".into()),
        }
    }
    fn default(&self) -> Option<RemovalLimit> {
        None
    }
}
