//! A partition that is short of space refuses uploads early, and nothing else.

use crate::{
    common::{
        master::{Mailbox, Message},
        peer::Peer,
    },
    spool::TestSpool,
};

const MINIMUM: i64 = 1_000_000;
const REFUSED: &str = "NO IMAP_NO_SPACE No space left on disk\r\n";
const OK: &str = "OK success\r\n";

fn spool() -> TestSpool {
    let mut spool = TestSpool::new("room");
    spool.options.safety.min_free = MINIMUM.unsigned_abs();
    spool
}

#[test]
fn uploads_stop_at_the_floor_and_go_on_above_it() {
    let spool = spool();
    let mut inbox = Mailbox::new("user.u1", "id00000001");
    spool.disk.set_free(MINIMUM + 100_000);
    let mut peer = Peer::new(spool.store());
    let uid = inbox.append(Message::number(1));
    assert_eq!(peer.say(Message::number(1).upload("default")), OK);
    assert_eq!(peer.say(inbox.line(&[uid], inbox.crcs(), "")), OK);

    spool.disk.set_free(MINIMUM + 3);
    let upload = Message::number(2).upload("default");
    assert_eq!(peer.say(format!("{upload}{upload}NOOP\r\n")), format!("{REFUSED}{REFUSED}OK Noop completed\r\n"));
    assert_eq!(spool.log.count("partition is short of space"), 1, "{}", spool.log.text());
    assert!(spool.log.text().contains("partition=<default> free=<1000003> minimum=<1000000>"), "{}", spool.log.text());
    assert!(peer.say("GET FULLMAILBOX user.u1\r\n").contains("%(UID 1 "));
    assert_eq!(peer.ask("APPLY SUB %(USERID u1 MBOXNAME user.u1)"), "OK success");

    spool.disk.set_free(MINIMUM + 100_000);
    assert_eq!(peer.say(upload), OK);
    assert_eq!(spool.log.count("partition has space again"), 1, "{}", spool.log.text());
    drop(peer);
    spool.assert_tidy("after refused uploads");
}

#[test]
fn the_disk_is_asked_once_for_many_uploads_and_again_after_a_change() {
    let spool = spool();
    spool.disk.set_free(1 << 40);
    let mut peer = Peer::new(spool.store());
    let uploads: String = (1..=50).map(|number| Message::number(number).upload("default")).collect();
    assert_eq!(peer.say(uploads.clone()), OK.repeat(50));
    assert_eq!(spool.disk.looks(), 1);
    assert_eq!(peer.ask("APPLY SUB %(USERID u1 MBOXNAME user.u1)"), "OK success");
    assert_eq!(peer.say(uploads), OK.repeat(50));
    assert_eq!(spool.disk.looks(), 2);
}

#[test]
fn without_a_floor_the_disk_is_not_asked() {
    let spool = TestSpool::new("room-off");
    let mut peer = Peer::new(spool.store());
    assert_eq!(peer.say(Message::number(1).upload("default")), OK);
    assert_eq!(spool.disk.looks(), 0);
}
