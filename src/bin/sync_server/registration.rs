//! The file that says who is being served: `cyr_info proc` lists them.
//!
//! `proc_register` of imap/proc.c (3.6.1) and lib/proc.c (3.12.3): a file named by the process's number, with one line
//! of five fields and tabs between them: service, peer, user, mailbox, command. The last two stay empty here, and the user
//! until one has logged in.
//!
//! Between two connections the file goes by the name that a new one has until it is whole, which nobody reads
//! (`proc_foreach`): the next peer mostly needs the same line.

use std::{
    cell::RefCell,
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
};

use sync_server::config::{ImapdConf, options};

use crate::transport::Peer;

/// This process's file. Dropping it removes what is left of it.
pub struct Register {
    path: PathBuf,
    aside: PathBuf,
    /// What stands in the file that was put aside.
    kept: RefCell<Option<String>>,
}

impl Register {
    pub fn new(conf: &ImapdConf) -> Register {
        let folder = match conf.value(&options::PROC_PATH) {
            Some(folder) => PathBuf::from(folder),
            None => Path::new(&conf.config_directory()).join("proc"),
        };
        let path = folder.join(process::id().to_string());
        let aside = folder.join(format!("{}.new", process::id()));
        Register { path, aside, kept: RefCell::default() }
    }

    /// Says who is being served, until what this returns is dropped.
    pub fn enter<'a>(&'a self, service: &'a str, peer: Peer) -> io::Result<Registration<'a>> {
        let line = line(service, peer, "");
        let is_kept = self.kept.take().is_some_and(|kept| kept == line) && fs::rename(&self.aside, &self.path).is_ok();
        if !is_kept {
            self.put(&line)?;
        }
        Ok(Registration { register: self, service, peer, line })
    }

    fn put(&self, line: &str) -> io::Result<()> {
        write(&self.aside, line).map_err(|error| named(error, &self.aside))?;
        fs::rename(&self.aside, &self.path).map_err(|error| named(error, &self.path))
    }
}

impl Drop for Register {
    fn drop(&mut self) {
        if self.kept.take().is_some() {
            // Nobody reads a file of this name.
            let _ = fs::remove_file(&self.aside);
        }
    }
}

/// A registered connection.
pub struct Registration<'a> {
    register: &'a Register,
    service: &'a str,
    peer: Peer,
    line: String,
}

impl Registration<'_> {
    /// Says that this user has logged in.
    pub fn add_user(&mut self, user: &str) -> io::Result<()> {
        self.line = line(self.service, self.peer, user);
        self.register.put(&self.line)
    }
}

fn line(service: &str, peer: Peer, user: &str) -> String {
    format!("{service}\t{peer}\t{user}\t\t\n")
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        let Register { path, aside, kept } = self.register;
        match fs::rename(path, aside) {
            Ok(()) => *kept.borrow_mut() = Some(std::mem::take(&mut self.line)),
            Err(error) => tracing::error!("unable to put {} aside: {error}", path.display()),
        }
    }
}

/// Writes a file, and makes its folder if need be.
fn write(path: &Path, line: &str) -> io::Result<()> {
    let open = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o666).open(path);
    let opened = open().or_else(|error| match (error.kind(), path.parent()) {
        (ErrorKind::NotFound, Some(folder)) => make_folder(folder).and_then(|()| open()),
        _ => Err(error),
    });
    opened?.write_all(line.as_bytes())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    tracing::info!("created proc directory");
    Ok(())
}

fn named(error: io::Error, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
