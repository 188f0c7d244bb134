//! Expunged messages that are not kept (`expunge_mode`).

use crate::{
    common::{
        master::{Mailbox, Message},
        peer::Peer,
    },
    spool::TestSpool,
    tree,
};
use sync_server::{
    store::cyrus::{
        disk::{Deadline, Disk as _, Lock, Mode, RealDisk},
        index::{IndexFile, counts::ExpungeMode, options},
        lock::{LockName, NameLock},
        paths::MailboxDirectory,
    },
    types::UniqueId,
};

const ID: &str = "id00000001";

fn index_options(spool: &TestSpool) -> u32 {
    let paths = tree::read(spool.root());
    let index = paths.keys().find(|path| path.ends_with("cyrus.index")).unwrap();
    let file = RealDisk.open(&spool.root().join(index), Mode::Read).unwrap();
    IndexFile::open(file).unwrap().header().options.0
}

#[test]
fn a_file_goes_with_the_expunge_unless_another_has_the_mailbox_open() {
    for (mode, asks_for) in [
        (ExpungeMode::Delayed, 0),
        (ExpungeMode::SemiDelayed, options::NEEDS_UNLINK),
        (ExpungeMode::Immediate, options::NEEDS_UNLINK | options::NEEDS_REPACK),
    ] {
        let mut spool = TestSpool::new("unlinked");
        spool.options.expunge_mode = mode;
        let mut mailbox = Mailbox::new("user.u1", ID);
        let mut peer = Peer::new(spool.store());
        for number in 0..3 {
            peer.say(Message::number(number).upload("default"));
            mailbox.append(Message::number(number));
        }
        peer.say(mailbox.all());
        let mut expunge = |uid: u32| {
            mailbox.change(uid, |record| record.expunged = true);
            assert_eq!(peer.say(mailbox.line(&[uid], mailbox.crcs(), "")), "OK success\r\n", "{}", spool.log.text());
        };
        expunge(1);
        let is_kept = mode == ExpungeMode::Delayed;
        assert_eq!(tree::messages(spool.root()), if is_kept { vec![1, 2, 3] } else { vec![2, 3] }, "{mode:?}");
        let name = LockName::Mailbox(MailboxDirectory::ById(UniqueId::parse(ID.as_bytes()).unwrap()));
        let soon = Deadline::after(spool.options.lock_timeout);
        let another = NameLock::take(&RealDisk, &spool.options, name, Lock::Shared, soon).unwrap();
        expunge(2);
        drop(another);
        assert_eq!(tree::messages(spool.root()), if is_kept { vec![1, 2, 3] } else { vec![2, 3] }, "{mode:?}");
        let asked = index_options(&spool) & (options::NEEDS_UNLINK | options::NEEDS_REPACK);
        assert_eq!(asked, asks_for, "{mode:?}");
    }
}
