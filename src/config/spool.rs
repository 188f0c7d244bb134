//! Where the mail is: the partitions, and whether they can be used.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{ConfigError, ImapdConf, options};

/// The longest `partition-NAME` that `config_partitiondir` looks up, in bytes.
const LONGEST_KEY: usize = 79;

/// The directories of `partition-NAME`, by name.
///
/// # Errors
/// `defaultpartition` names one that is not there, or there is none at all.
pub fn partitions(conf: &ImapdConf) -> Result<BTreeMap<String, PathBuf>, ConfigError> {
    let partitions = named(conf, "partition-");
    match conf.value(&options::DEFAULTPARTITION) {
        Some(default) if !partitions.contains_key(&default) => Err(missing(conf, &default)),
        None if partitions.is_empty() => Err(missing(conf, "NAME")),
        _ => Ok(partitions),
    }
}

/// The directories of `metapartition-NAME`, by name.
pub fn metapartitions(conf: &ImapdConf) -> BTreeMap<String, PathBuf> {
    named(conf, "metapartition-")
}

/// Checks that the configuration directory and all partitions are directories that can be read.
///
/// # Errors
/// The first that is not; and those of [`partitions`].
pub fn check(conf: &ImapdConf) -> Result<(), ConfigError> {
    directory(conf, options::CONFIGDIRECTORY.name, Path::new(&conf.config_directory()))?;
    for (name, path) in &partitions(conf)? {
        directory(conf, &format!("partition-{name}"), path)?;
    }
    for (name, path) in &metapartitions(conf) {
        directory(conf, &format!("metapartition-{name}"), path)?;
    }
    Ok(())
}

fn named(conf: &ImapdConf, prefix: &str) -> BTreeMap<String, PathBuf> {
    let names = conf.overflow_names(prefix).into_iter().filter(|name| prefix.len() + name.len() <= LONGEST_KEY);
    let found = names.filter_map(|name| Some((name.to_owned(), conf.overflow(&format!("{prefix}{name}"))?.into())));
    found.collect()
}

fn directory(conf: &ImapdConf, option: &str, path: &Path) -> Result<(), ConfigError> {
    if !path.is_absolute() {
        return Err(ConfigError::BadValue {
            place: conf.place(option),
            option: option.to_owned(),
            value: path.display().to_string(),
            expected: "a path that begins with /".into(),
        });
    }
    let usable = fs::read_dir(path);
    usable.map(drop).map_err(|error| ConfigError::Directory {
        place: conf.place(option),
        option: option.to_owned(),
        directory: path.to_owned(),
        error,
    })
}

fn missing(conf: &ImapdConf, name: &str) -> ConfigError {
    ConfigError::Missing { file: conf.path.to_string(), option: format!("partition-{name}") }
}
