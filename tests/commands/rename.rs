//! `APPLY RENAME`

use crate::peer::{Spool, say_to_both};
use sync_server::store::MemoryStore;

const OK: &str = "OK success\r\n";
const NONEXISTENT: &str = "NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n";

#[test]
fn an_intermediate_folder_is_renamed_and_leaves_a_tombstone() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let folder = "APPLY MAILBOX %(UNIQUEID xy MBOXNAME user.u1.a HIGHESTMODSEQ 10 CREATEDMODSEQ 2 MBOXTYPE i)\r\n";
    let rename = "APPLY RENAME %(OLDMBOXNAME user.u1.a NEWMBOXNAME user.u1.b PARTITION default)\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, &format!("{folder}{rename}")), OK.repeat(2));
    assert_eq!(say_to_both(&mut memory, &spool, rename), NONEXISTENT);
    let heard = say_to_both(&mut memory, &spool, "GET MAILBOXES (user.u1.a user.u1.b)\r\n");
    assert!(heard.starts_with("* MAILBOX %(UNIQUEID xy MBOXNAME user.u1.b MBOXTYPE ei "), "{heard}");
    assert_eq!(heard.matches("* MAILBOX").count(), 1, "{heard}");
    assert_eq!(say_to_both(&mut memory, &spool, "APPLY UNMAILBOX user.u1.b\r\n"), OK);
}
