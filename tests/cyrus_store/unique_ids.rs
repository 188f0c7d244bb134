//! A unique id names one mailbox, whatever else on the list has it: no second one is made over its files.

use crate::{
    common::master::{Mailbox, Message},
    common::peer::Peer,
    spool::TestSpool,
    tree,
};
use sync_server::store::{CyrusStore, cyrus::options::Release};

const RELEASES: [Release; 2] = [Release::V3_6, Release::V3_12];
const OK: &str = "OK success\r\n";
const MOVED: &str = "NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid\r\n";

fn entry(name: &str, id: &str, kind: char) -> String {
    format!("APPLY MAILBOX %(UNIQUEID {id} MBOXNAME {name} MBOXTYPE {kind} HIGHESTMODSEQ 5)\r\n")
}

/// A spool with a mailbox `user.u1.a` that has a message, for which `say` is called; then the message is there still.
fn beside_a_mailbox(release: Release, say: impl FnOnce(&TestSpool, &mut Peer<CyrusStore>)) {
    let mut spool = TestSpool::new("unique-ids");
    spool.options.release = release;
    let mut peer = Peer::new(spool.store());
    let (message, mut mailbox) = (Message::number(1), Mailbox::new("user.u1.a", "the-id"));
    assert_eq!(peer.say(message.upload("default")), OK);
    mailbox.append(message.clone());
    assert_eq!(peer.say(mailbox.all()), OK);
    let partition = spool.root().join("spool/default");
    let (told, files) = (peer.say("GET FULLMAILBOX user.u1.a\r\n"), tree::read(&partition));
    say(&spool, &mut peer);
    assert_eq!(peer.say("GET FULLMAILBOX user.u1.a\r\n"), told);
    assert!(tree::read(&partition) == files, "files are gone or changed, of {:?}", files.keys());
    let fetch = "GET FETCH %(MBOXNAME user.u1.a PARTITION default UNIQUEID the-id GUID {guid} UID 1)\r\n";
    assert!(peer.say(fetch.replace("{guid}", &message.guid.to_string())).contains(&message.text));
}

#[test]
fn an_entry_that_was_given_a_mailboxs_id_does_not_become_a_mailbox_over_its_files() {
    for (release, kind) in RELEASES.into_iter().flat_map(|release| [(release, 'i'), (release, 'd')]) {
        beside_a_mailbox(release, |_, peer| {
            assert_eq!(peer.say(entry("user.u1.b", "the-id", kind)), OK);
            assert_eq!(peer.say(Mailbox::new("user.u1.b", "the-id").all()), MOVED, "{release:?} {kind}");
            assert_eq!(peer.say(Mailbox::new("user.u1.c", "the-id").all()), MOVED, "{release:?} {kind}");
        });
    }
}

#[test]
fn a_mailbox_that_its_id_does_not_lead_to_keeps_its_files() {
    for release in RELEASES {
        beside_a_mailbox(release, |spool, peer| {
            // The record that leads from the id to a name goes with the folder's id.
            assert_eq!(
                peer.say(entry("user.u1.b", "the-id", 'i') + &entry("user.u1.b", "other-id", 'i')),
                OK.repeat(2)
            );
            assert!(!peer.say("GET UNIQUEIDS (the-id)\r\n").contains("MAILBOX"));
            assert_eq!(peer.say(Mailbox::new("user.u1.c", "the-id").all()), MOVED, "{release:?}");
            let told =
                "mailbox not made: another one has its unique id and files: mailbox=<user.u1.c> other=<user.u1.a>";
            assert!(spool.log.text().contains(told), "{}", spool.log.text());
        });
    }
}
