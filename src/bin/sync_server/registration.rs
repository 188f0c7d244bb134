//! The file that says who is being served: `cyr_info proc` lists them.
//!
//! `proc_register` of imap/proc.c (3.6.1) and lib/proc.c (3.12.3): a file named by the process's number, with one line
//! of five fields and tabs between them: service, peer, user, mailbox, command. The last three stay empty here.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
};

use sync_server::config::{ImapdConf, options};

use crate::transport::Peer;

/// A registered process. Dropping it removes the file.
pub struct Registration {
    path: PathBuf,
}

impl Registration {
    pub fn new(conf: &ImapdConf, service: &str, peer: Peer) -> io::Result<Registration> {
        let folder = match conf.value(&options::PROC_PATH) {
            Some(folder) => PathBuf::from(folder),
            None => Path::new(&conf.config_directory()).join("proc"),
        };
        let path = folder.join(process::id().to_string());
        let new = folder.join(format!("{}.new", process::id()));
        let line = format!("{service}\t{peer}\t\t\t\n");
        let written = write(&new, &line).or_else(|error| match error.kind() {
            ErrorKind::NotFound => make_folder(&folder).and_then(|()| write(&new, &line)),
            _ => Err(error),
        });
        let named =
            |error: io::Error, path: &Path| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        written.map_err(|error| named(error, &new))?;
        fs::rename(&new, &path).map_err(|error| named(error, &path))?;
        Ok(Registration { path })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::error!("unable to remove {}: {error}", self.path.display());
        }
    }
}

fn write(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o666).open(path)?;
    file.write_all(line.as_bytes())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    tracing::info!("created proc directory");
    Ok(())
}
