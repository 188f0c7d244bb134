//! Over TCP: a real `sync_client` logs in and replicates through each layer, and is answered as by the reference.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::mail;
use crate::rig::instance::{Instance, PASSWORD, SyncServer, wait_until};
use crate::rig::release::Release;
use crate::rig::{Failure, Result};

/// Of `replica.example.org` and 127.0.0.1, until 2126; made with `openssl req -x509 -newkey rsa:2048 -nodes`.
const CERTIFICATE: &str = include_str!("tcp/cert.pem");
const KEY: &str = include_str!("tcp/key.pem");

/// STARTTLS is there, and no password may be shown without it.
const TLS: &[&str] = &[
    "tls_server_cert: {d}/cert.pem",
    "tls_server_key: {d}/key.pem",
    "allowstarttls: yes",
    "csyncnet_allowplaintext: no",
    "refnet_allowplaintext: no",
];

const LAYER: &[&str] = &["csyncnet_sasl_mech_list: DIGEST-MD5", "refnet_sasl_mech_list: DIGEST-MD5"];

#[test]
fn a_3_6_master_logs_in_and_replicates() -> Result<()> {
    replicates(Release::V36)
}

#[test]
fn a_3_12_master_logs_in_and_replicates() -> Result<()> {
    replicates(Release::V312)
}

#[test]
fn peers_of_a_3_6_replica_are_answered_as_by_the_reference() -> Result<()> {
    answers(Release::V36)
}

#[test]
fn peers_of_a_3_12_replica_are_answered_as_by_the_reference() -> Result<()> {
    answers(Release::V312)
}

fn replica(release: Release, settings: &[&str]) -> Result<Instance> {
    let mut replica =
        Instance::set_up(release, "ours", SyncServer::Ours, &[settings, &["failedloginpause: 0"]].concat())?;
    std::fs::write(replica.base().join("cert.pem"), CERTIFICATE)?;
    std::fs::write(replica.base().join("key.pem"), KEY)?;
    replica.run_master()?;
    Ok(replica)
}

fn replicates(release: Release) -> Result<()> {
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, &[])?;
    master.imap("cyrus")?.ok("CREATE user.u1")?;
    let password = format!("sync_password: {PASSWORD}");
    let cases: &[(&str, &[&str], &str, &[&str])] = &[
        ("PLAIN", &[], "AUTHENTICATE PLAIN ", &["COMPRESS DEFLATE\r\n"]),
        ("PLAIN+TLS", TLS, "STARTTLS\r\n", &[]),
        ("DIGEST-MD5", LAYER, "AUTHENTICATE DIGEST-MD5", &[]),
    ];
    for (number, (login, settings, first, further)) in cases.iter().enumerate() {
        let replica = replica(release, settings)?;
        let mut imap = master.imap("u1")?;
        for message in 0..20 {
            imap.append("INBOX", "", &mail::large(number as u64 * 20 + message, 2000 * (message as usize + 1)))?;
        }
        let wire = Wire::to(replica.csync_port)?;
        let client = &[password.as_str()];
        let conversation = master.sync_over_tcp(wire.port, client, &["-u", "u1"])?;
        assert!(!conversation.applied().is_empty(), "{login}: {}", conversation.0);
        let said = wire.said()?;
        assert!(said.starts_with(first), "{login}: {:?}", said.get(..100));
        assert!(further.iter().all(|line| said.contains(line)), "{login}: {:?}", said.get(..200));
        for hidden in ["APPLY", "release0@example.com"] {
            assert!(!said.contains(hidden), "{login}: what follows is wrapped");
        }
        await_log(&replica, &format!("[127.0.0.1] cyrus {login} User logged in"))?;

        let again = master.sync_over_tcp(replica.csync_port, client, &["-u", "u1"])?;
        assert_eq!(again.applied(), [""; 0], "{login}");
        let status = replica.imap("u1")?.ok("STATUS INBOX (MESSAGES)")?.join("\n");
        assert!(status.contains(&format!("MESSAGES {})", 20 * (number + 1))), "{login}: {status}");
    }
    Ok(())
}

/// Stands between a client and a server, and remembers what the client said.
struct Wire {
    port: u16,
    said: JoinHandle<io::Result<Vec<u8>>>,
}

impl Wire {
    /// For one connection.
    fn to(server: u16) -> Result<Wire> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let said = thread::spawn(move || {
            let (mut client, _) = listener.accept()?;
            let mut server = TcpStream::connect(("127.0.0.1", server))?;
            let (mut back, mut answers) = (client.try_clone()?, server.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut answers, &mut back);
                let _ = back.shutdown(Shutdown::Write);
            });
            let (mut said, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
            // A client that leaves before it has read all of its answers resets the connection, and the server may leave first.
            while let Ok(length @ 1..) = client.read(&mut buffer) {
                said.extend_from_slice(&buffer[..length]);
                if server.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            let _ = server.shutdown(Shutdown::Write);
            Ok(said)
        });
        Ok(Wire { port, said })
    }

    /// All of it, once the client has gone.
    fn said(self) -> Result<String> {
        let said = self.said.join().map_err(|_| Failure::new("the wire panicked"))??;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

/// What a peer hears until it has its answer or the server has gone.
fn heard(peer: &mut BufReader<TcpStream>) -> Result<String> {
    let mut heard = String::new();
    loop {
        let start = heard.len();
        match peer.read_line(&mut heard) {
            Ok(0) => return Ok(heard),
            Ok(_) if is_last(&heard[start..]) => return Ok(heard),
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::ConnectionReset => return Ok(heard),
            Err(e) => return Err(Failure::new(format!("{e} after {heard}"))),
        }
    }
}

/// Whether this line ends an answer; a greeting ends with an untagged OK.
fn is_last(line: &str) -> bool {
    !line.starts_with("* ") || line.starts_with("* OK")
}

fn answers(release: Release) -> Result<()> {
    let _serial = release.lock();
    same_answers(&replica(release, TLS)?, WITHOUT_LOGIN)?;
    let replica = replica(release, &[])?;
    same_answers(&replica, ADMINISTRATOR)?;
    same_answers(&replica, SOMEBODY)?;
    for logged in ["[127.0.0.1] PLAIN (cyrus) [", "[127.0.0.1] u2 PLAIN User logged in"] {
        await_log(&replica, logged)?;
    }
    Ok(())
}

/// Waits until the server under test has logged a line with this: the log is read by another thread.
fn await_log(replica: &Instance, text: &str) -> Result<()> {
    let is_said = |line: &String| line.starts_with("csyncnet[") && line.contains(text);
    match wait_until(Duration::from_secs(10), || replica.log().iter().any(is_said)) {
        true => Ok(()),
        false => Err(Failure::new(format!("{text}: {:?}", replica.log()))),
    }
}

fn same_answers(replica: &Instance, lines: &[&str]) -> Result<()> {
    let mut conversations = Vec::new();
    for port in [replica.reference_port, replica.csync_port] {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut peer = BufReader::new(stream);
        let mut all = heard(&mut peer)?;
        for line in lines {
            // A server that has gone takes no more; that it has is heard.
            let _ = peer.get_mut().write_all(format!("{line}\r\n").as_bytes());
            all += &format!("C: {line}\n{}", heard(&mut peer)?);
        }
        // The version is each one's own.
        let without_version = |line: &str| line.split(" Cyrus sync server").next().map(str::to_string);
        conversations.push(all.lines().filter_map(without_version).collect::<Vec<_>>());
    }
    assert_eq!(conversations[1], conversations[0]);
    Ok(())
}

const WITHOUT_LOGIN: &[&str] = &[
    "NOOP",
    "GET USER u1",
    "AUTHENTICATE",
    "AUTHENTICATE PLAIN AGN5cnVzAHNlY3JldA==",
    "AUTHENTICATE NONE",
    "STARTTLS now",
    "COMPRESS",
    "COMPRESS LZW",
    "COMPRESS DEFLATE x",
];

const ADMINISTRATOR: &[&str] = &[
    // cyrus with a wrong password, not base64, nothing, somebody unknown, somebody else's authority.
    "AUTHENTICATE PLAIN AGN5cnVzAHdyb25n",
    "AUTHENTICATE PLAIN ????",
    "AUTHENTICATE PLAIN =",
    "AUTHENTICATE PLAIN AG5vYm9keQBzZWNyZXQ=",
    "AUTHENTICATE PLAIN dTIAdTEAc2VjcmV0",
    "AUTHENTICATE PLAIN",
    "*",
    "AUTHENTICATE PLAIN",
    "AGN5cnVzAHNlY3JldA==",
    "GET USER u1",
    "AUTHENTICATE PLAIN AGN5cnVzAHNlY3JldA==",
    "EXIT",
];

const SOMEBODY: &[&str] = &["AUTHENTICATE PLAIN AHUyAHNlY3JldA==", "GET USER u1", "NOOP", "AUTHENTICATE PLAIN", "EXIT"];
