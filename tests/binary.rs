//! The program as an administrator meets it: its arguments, its errors, its exit codes, and one connection.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// An installation: a folder with imapd.conf, a spool, and a copy of the program that everybody can run.
struct Host {
    folder: PathBuf,
}

impl Host {
    fn new(lines: &str) -> Host {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sync_server-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("conf/proc")).unwrap();
        fs::create_dir_all(folder.join("spool")).unwrap();
        // By another process: a file that is open for writing here could be inherited by a child, and not be run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_sync_server")).arg(folder.join("sync_server")).status();
        assert!(copied.unwrap().success());
        let host = Host { folder };
        host.write(lines);
        for path in ["", "conf", "conf/proc", "spool"] {
            fs::set_permissions(host.path(path), fs::Permissions::from_mode(0o777)).unwrap();
        }
        host
    }

    /// One that can be served.
    fn working(more: &str) -> Host {
        Host::new(&format!(
            "configdirectory: DIR/conf\npartition-default: DIR/spool\nservername: r.example.org\n{more}"
        ))
    }

    fn write(&self, lines: &str) {
        let lines = lines.replace("DIR", self.folder.to_str().unwrap());
        fs::write(self.path("imapd.conf"), lines).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The program with arguments, as a user other than root.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("sync_server"));
        command.args(arguments).env_remove("CYRUS_SERVICE").env_remove("CYRUS_ID").stdin(Stdio::null());
        if is_root() {
            command.uid(65534);
        }
        command
    }

    /// Runs it to its end: exit code, standard output, standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let conf = self.path("imapd.conf");
        let all = [&["-C", conf.to_str().unwrap()], arguments].concat();
        texts(self.command(&all).output().unwrap())
    }

    /// Starts it with one end of a socket as standard input and output.
    fn connect(&self, arguments: &[&str]) -> (Child, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let conf = self.path("imapd.conf");
        let mut command = self.command(&["-C", conf.to_str().unwrap()]);
        let input: std::os::fd::OwnedFd = theirs.try_clone().unwrap().into();
        let output: std::os::fd::OwnedFd = theirs.into();
        command.args(arguments).stdin(input).stdout(output).stderr(Stdio::piped());
        (command.spawn().unwrap(), ours)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn texts(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|status| std::os::unix::fs::MetadataExt::uid(&status) == 0)
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line
}

/// That it wrote this one line to standard error and nothing to the peer.
fn assert_refused((code, output, error): (i32, String, String), expected_code: i32, expected: &str) {
    assert_eq!(output, "");
    assert!(error.starts_with("sync_server: ") && error.contains(expected), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert_eq!(code, expected_code, "{error}");
}

#[test]
fn wrong_arguments_are_answered_with_the_usage() {
    let host = Host::working("");
    for arguments in
        [&["-Z"][..], &["--help"], &["-U"], &["-U", "many"], &["-U30"], &["-p", "x"], &["word"], &["--restore-trash"]]
    {
        assert_refused(host.run(arguments), 64, "usage: sync_server [-C config-file] [-p ssf]");
    }
}

#[test]
fn root_is_turned_away() {
    if is_root() {
        let refused = Command::new(env!("CARGO_BIN_EXE_sync_server")).stdin(Stdio::null()).output().unwrap();
        assert_refused(texts(refused), 64, "must run as the Cyrus user");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_one_line() {
    let host = Host::working("");
    let absent = texts(host.command(&["-C", "/nonexistent/imapd.conf"]).output().unwrap());
    assert_refused(absent, 78, "/nonexistent/imapd.conf: cannot read the configuration file");
    let table = [
        ("nonsense\n", 78, "imapd.conf:1: invalid option name"),
        ("servername: x\n", 78, "imapd.conf: option 'configdirectory' is not given"),
        ("configdirectory: DIR/conf\n", 78, "imapd.conf: option 'partition-NAME' is not given"),
        ("configdirectory: DIR/conf\npartition-a: DIR/spool\ndefaultpartition: b\n", 78, "option 'partition-b' is not"),
        ("configdirectory: DIR/conf\npartition-a: DIR/away\n", 75, "imapd.conf:2: the directory"),
        ("configdirectory: DIR/away\npartition-a: DIR/spool\n", 75, "imapd.conf:1: the directory"),
        (
            "configdirectory: DIR/conf\nsync_server_trash: soon\n",
            78,
            "imapd.conf:2: option 'sync_server_trash' cannot be 'soon': it takes a duration",
        ),
        (
            "configdirectory: DIR/conf\npartition-a: DIR/spool\nsync_server_trash: -1d\n",
            78,
            "imapd.conf:3: option 'sync_server_trash' cannot be '-86400': it takes a duration",
        ),
        (
            "configdirectory: DIR/conf\nsync_server_max_deletes: 50\n",
            78,
            "imapd.conf:2: option 'sync_server_max_deletes' cannot be '50': it takes a number of mailboxes per",
        ),
        (
            "configdirectory: DIR/conf\nconversations: on\n",
            78,
            "imapd.conf:2: option 'conversations' is 'on', which is not",
        ),
    ];
    for (lines, code, expected) in table {
        host.write(lines);
        assert_refused(host.run(&["-X"]), code, expected);
    }
}

#[test]
fn a_refused_option_is_named_before_any_banner() {
    let host = Host::working("conversations: on\n");
    let (child, stream) = host.connect(&[]);
    let mut reader = BufReader::new(stream);
    assert_eq!(line(&mut reader), "");
    assert_refused(texts(child.wait_with_output().unwrap()), 78, "option 'conversations' is 'on'");
}

#[test]
fn a_socket_on_standard_input_is_served_and_shown_by_cyr_info() {
    let host = Host::working("");
    for arguments in [&[][..], &["-X"], &["-p", "2", "-U", "30", "-T", "60", "-f", "-D"]] {
        let (mut child, stream) = host.connect(arguments);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let banner = format!("* OK r.example.org Cyrus sync server {}\r\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(line(&mut reader), banner);
        let registered = host.path("conf/proc").join(child.id().to_string());
        assert_eq!(fs::read_to_string(&registered).unwrap(), "syncserver\t[unix socket]\t\t\t\n");
        (&stream).write_all(b"NOOP\r\nexit\r\n").unwrap();
        assert_eq!(line(&mut reader), "OK Noop completed\r\n");
        assert_eq!(line(&mut reader), "OK Finished\r\n");
        assert!(child.wait().unwrap().success());
        assert!(!registered.exists());
    }
}

#[test]
fn a_peer_that_says_nothing_is_left() {
    let host = Host::working("sync_timeout: 1\n");
    let started = Instant::now();
    let (mut child, stream) = host.connect(&[]);
    let mut reader = BufReader::new(stream);
    assert!(line(&mut reader).starts_with("* OK "));
    assert_eq!(line(&mut reader), "", "closed");
    assert!(child.wait().unwrap().success());
    assert!(started.elapsed() >= Duration::from_secs(3), "the least that sync_timeout means is 3 seconds");
}

#[test]
fn a_signal_says_goodbye() {
    let host = Host::working("");
    for (signal, goodbye) in [("-TERM", "BYE shutting down\r\n"), ("-INT", "BYE shutting down\r\n"), ("-HUP", "")] {
        let (mut child, stream) = host.connect(&[]);
        let mut reader = BufReader::new(stream);
        assert!(line(&mut reader).starts_with("* OK "));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(line(&mut reader), goodbye);
        assert!(child.wait().unwrap().success());
        assert!(is_empty(&host.path("conf/proc")));
    }
}

/// Says this to a fresh process on its standard input; returns all that it answers.
fn converse(host: &Host, said: &str) -> String {
    let (mut child, mut stream) = host.connect(&[]);
    stream.write_all(said.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    assert!(child.wait().unwrap().success());
    heard
}

fn empty_mailbox(name: &str, id: &str) -> String {
    format!(
        "APPLY MAILBOX %(UNIQUEID {id} MBOXNAME {name} SYNC_CRC 0 SYNC_CRC_ANNOT 12345678 LAST_UID 0 HIGHESTMODSEQ 4 \
         RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 POP3_SHOW_AFTER 0 UIDVALIDITY 1700000000 \
         PARTITION a ACL \"jane\tlrs\t\" OPTIONS P CREATEDMODSEQ 1 FOLDERMODSEQ 1 RECORD ())\r\n"
    )
}

#[test]
fn a_removed_user_is_listed_and_restored() {
    let host = Host::new("configdirectory: DIR/conf\npartition-a: DIR/spool\nsync_server_trash: 7d\n");
    let made = empty_mailbox("user.jane", "id1") + &empty_mailbox("user.jane.Work", "id2");
    let heard = converse(&host, &(made.clone() + "APPLY UNUSER jane\r\n"));
    assert_eq!(heard.matches("OK success\r\n").count(), 3, "{heard}");
    let (code, listed, error) = host.run(&["--list-trash"]);
    assert_eq!((code, error.as_str()), (0, ""));
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines.len() == 3 && lines[0].ends_with("  MESSAGES    SIZE  NAME, KEPT AS"), "{listed}");
    assert!(lines[1].contains("         0       0  user.jane  DELETED.user.jane."), "{listed}");
    assert!(lines[2].contains("  user.jane.Work  DELETED.user.jane.Work."), "{listed}");

    let (code, said, error) = host.run(&["--restore-trash", "user.jane"]);
    assert_eq!((code, error.as_str()), (0, ""), "{said}");
    assert!(said.starts_with("user.jane restored from DELETED.user.jane.") && said.lines().count() == 2, "{said}");
    assert!(converse(&host, "GET USER jane\r\n").contains(" MBOXNAME user.jane.Work "));
    assert_eq!(host.run(&["--list-trash"]).1.lines().count(), 1);
}

#[test]
fn what_cannot_be_restored_is_said() {
    let host = Host::new("configdirectory: DIR/conf\npartition-a: DIR/spool\nsync_server_trash: 7d\n");
    converse(
        &host,
        &(empty_mailbox("user.jane", "id1") + "APPLY UNUSER jane\r\n" + &empty_mailbox("user.jane", "id2")),
    );
    let refused = "user.jane exists: rename it or remove it first";
    assert_refused(host.run(&["--restore-trash", "user.jane"]), 73, refused);
    assert_refused(host.run(&["--restore-trash", "user.joe"]), 66, "nothing in the trash is called user.joe");
    assert_refused(host.run(&["--restore-trash", "user..joe"]), 64, "user..joe is no mailbox's internal name");
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}
