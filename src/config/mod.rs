//! `imapd.conf`, as Cyrus reads it.
//!
//! The syntax and its corners follow `config_read_file` of lib/libconfig.c (3.6.1 and 3.12.3). [`options`] lists the
//! options that this crate reads, with their types and defaults; every other name is accepted and left alone, because
//! the file is shared with all other Cyrus programs. [`support`] refuses, by name, what would make Cyrus expect files
//! that this crate does not keep.

use std::{borrow::Cow, collections::BTreeMap, path::Path, sync::Arc};

pub use error::{ConfigError, Place};

mod annotations;
mod error;
mod file;
mod lock_names;
pub mod options;
pub mod safety;
pub mod spool;
pub mod support;
#[cfg(test)]
mod tests;
pub mod value;

use value::{Setting, Substitution};

/// What `imapd.conf` says to one service.
#[derive(Debug)]
pub struct ImapdConf {
    /// The file that was read; errors name it.
    path: Arc<str>,
    /// The service's name in lower case, with the underscore that follows it in front of an option.
    prefix: String,
    /// Options of the table, under their own names.
    settings: BTreeMap<String, Entry>,
    /// All others: `partition-NAME` and what other programs read.
    overflow: BTreeMap<String, Entry>,
    warnings: Vec<String>,
}

/// A value and where it was given.
#[derive(Clone, Debug)]
struct Entry {
    text: String,
    place: Place,
    /// Whether the name had the service in front.
    specific: bool,
}

impl ImapdConf {
    /// Reads a configuration file and what it includes.
    ///
    /// `ident` is the service's name, as in cyrus.conf: an option written `<ident>_<option>` wins over `<option>`.
    ///
    /// # Errors
    /// A file that cannot be read, a line that Cyrus would not take, or a missing `configdirectory`.
    pub fn read(path: &Path, ident: &str) -> Result<ImapdConf, ConfigError> {
        let mut conf = ImapdConf::new(path, ident);
        file::read(path, &mut |assignment| conf.assign(assignment))?;
        conf.resolve()?;
        Ok(conf)
    }

    /// The value of an option, or its default.
    pub fn value<S: Setting>(&self, setting: &S) -> S::Value {
        // What was read has passed `check`; an option that nobody listed in the table cannot be asked for here.
        let given = self.settings.get(setting.name()).and_then(|entry| setting.parse(&entry.text).ok());
        given.unwrap_or_else(|| setting.default())
    }

    /// Whether an option of the table was given.
    fn is_given(&self, setting: &impl Setting) -> bool {
        self.settings.contains_key(setting.name())
    }

    /// The directory of Cyrus's own files.
    pub fn config_directory(&self) -> String {
        self.value(&options::CONFIGDIRECTORY).unwrap_or_default()
    }

    /// The name that the server gives itself: `servername`, or the host's name.
    pub fn servername(&self) -> String {
        self.value(&options::SERVERNAME).unwrap_or_else(|| {
            let host = nix::unistd::gethostname().unwrap_or_default();
            host.to_string_lossy().into_owned()
        })
    }

    /// An option that is not in the table, such as `partition-NAME`; the service's own form first.
    pub fn overflow(&self, name: &str) -> Option<&str> {
        let specific = format!("{}{name}", self.prefix).to_ascii_lowercase();
        self.overflow.get(&specific).or_else(|| self.overflow.get(name)).map(|entry| entry.text.as_str())
    }

    /// The names behind `prefix` of all options that are not in the table, once each, in order.
    pub fn overflow_names(&self, prefix: &str) -> Vec<&str> {
        let bare = |name| str::strip_prefix(name, &self.prefix).unwrap_or(name);
        let mut names: Vec<&str> = self.overflow.keys().filter_map(|name| bare(name).strip_prefix(prefix)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What is worth telling the administrator: deprecated options. One line each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Where an option was given, for an error about it.
    fn place(&self, name: &str) -> Place {
        let specific = format!("{}{name}", self.prefix);
        let overflow = self.overflow.get(&specific).or_else(|| self.overflow.get(name));
        let entry = self.settings.get(name).or(overflow);
        entry.map_or_else(|| Place { file: self.path.clone(), line: None }, |entry| entry.place.clone())
    }

    fn new(path: &Path, ident: &str) -> ImapdConf {
        ImapdConf {
            path: path.to_string_lossy().into(),
            prefix: format!("{}_", ident.to_ascii_lowercase()),
            settings: BTreeMap::new(),
            overflow: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    fn assign(&mut self, line: file::Assignment) -> Result<(), ConfigError> {
        let file::Assignment { name, text, place } = line;
        let own =
            name.strip_prefix(self.prefix.as_str()).and_then(|own| options::find(own).map(|option| (own, option)));
        let Some((key, option)) = own.or_else(|| options::find(&name).map(|option| (name.as_str(), option))) else {
            return self.assign_overflow(name, Entry { text, place, specific: false });
        };
        let entry = Entry { text, place, specific: own.is_some() };
        match self.settings.get(key) {
            Some(first) if first.specific == entry.specific => return Err(twice(name, entry, first)),
            Some(first) if first.specific => return Ok(()),
            _ => {}
        }
        if let Err(expected) = option.check(&entry.text) {
            let Entry { text, place, .. } = entry;
            return Err(ConfigError::BadValue { place, option: name, value: text, expected });
        }
        self.settings.insert(key.to_owned(), entry);
        Ok(())
    }

    fn assign_overflow(&mut self, name: String, entry: Entry) -> Result<(), ConfigError> {
        if let Some(first) = self.overflow.get(&name) {
            return Err(twice(name, entry, first));
        }
        self.overflow.insert(name, entry);
        Ok(())
    }

    /// What `config_read` does once all lines are in.
    fn resolve(&mut self) -> Result<(), ConfigError> {
        let Some(directory) = self.value(&options::CONFIGDIRECTORY) else {
            return Err(ConfigError::Missing { file: self.path.to_string(), option: "configdirectory".into() });
        };
        for (name, entry) in &mut self.settings {
            if options::find(name).is_some_and(|option| option.substitution() == Substitution::ConfigDirectory) {
                let expanded = substitute(&entry.text, &directory).into_owned();
                entry.text = expanded;
            }
        }
        self.follow_deprecated();
        self.check_default_partition()
    }

    /// Gives the value of an old name to the new one, unless that was given too (`config_option_deprecate`).
    fn follow_deprecated(&mut self) {
        for (old, new) in options::RENAMED {
            let Some(entry) = self.settings.get(*old) else { continue };
            self.warnings.push(format!("{}: option '{old}' is deprecated in favor of '{new}'", entry.place));
            if !self.settings.contains_key(*new) {
                let moved = self.settings.remove(*old).map(|entry| ((*new).to_owned(), entry));
                self.settings.extend(moved);
            }
        }
    }

    fn check_default_partition(&mut self) -> Result<(), ConfigError> {
        let Some(entry) = self.settings.get_mut(options::DEFAULTPARTITION.name) else { return Ok(()) };
        if let Some(character) = entry.text.chars().find(|character| !character.is_ascii_alphanumeric()) {
            return Err(ConfigError::BadValue {
                place: entry.place.clone(),
                option: options::DEFAULTPARTITION.name.into(),
                value: entry.text.clone(),
                expected: format!("letters and digits only, not {character:?}"),
            });
        }
        entry.text.make_ascii_lowercase();
        Ok(())
    }
}

/// Puts the value of `configdirectory` in place of a leading `{configdirectory}`, in any case.
fn substitute<'a>(text: &'a str, directory: &str) -> Cow<'a, str> {
    const NAME: &str = "{configdirectory}";
    match text.split_at_checked(NAME.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(NAME) => Cow::Owned(format!("{directory}{rest}")),
        _ => Cow::Borrowed(text),
    }
}

fn twice(option: String, second: Entry, first: &Entry) -> ConfigError {
    ConfigError::Twice { place: second.place, option, first: first.place.clone() }
}
