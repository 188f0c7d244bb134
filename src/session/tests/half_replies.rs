//! A store may fail while a reply is being given: the reply's framing holds.

use super::*;

/// Says a line to a session whose reads of records and messages are refused where `refuse` says so; the reply.
fn converse(mut talk: Talk, line: &str, mut refuse: impl FnMut() -> bool) -> String {
    talk.session.receive(Bytes::copy_from_slice(line.as_bytes()));
    let mut said = BytesMut::new();
    loop {
        match talk.session.poll().unwrap() {
            Step::NeedInput => return String::from_utf8(said.to_vec()).unwrap(),
            Step::Write(output) => said.extend_from_slice(&output),
            Step::Perform(op) => match op {
                Op::ReadRecords(request) if refuse() => {
                    talk.session.complete(request, Err(Refusal::BadFormat)).unwrap();
                }
                Op::ReadMessage(request) if refuse() => {
                    talk.session.complete(request, Err(Refusal::Io)).unwrap();
                }
                op => op.perform(&mut talk.session, &mut talk.store).unwrap(),
            },
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn records_that_cannot_be_read_end_the_list_and_the_refusal_follows() {
    let mut reads = 0;
    let said = converse(with_mail(), "GET FULLMAILBOX user.u1\r\nNOOP\r\n", || {
        reads += 1;
        reads == 2
    });
    let (list, rest) = said.split_once("))\r\n").unwrap();
    assert!(list.starts_with("* MAILBOX %(UNIQUEID id-u1") && list.contains(" RECORD (%(UID 1 "), "{said}");
    assert_eq!(rest, "NO IMAP_MAILBOX_BADFORMAT Mailbox has an invalid format\r\nOK Noop completed\r\n");
}

#[test]
fn a_mailbox_none_of_whose_records_can_be_read_is_only_refused() {
    let said = converse(with_mail(), "GET FULLMAILBOX user.u1\r\nNOOP\r\n", || true);
    assert_eq!(said, "NO IMAP_MAILBOX_BADFORMAT Mailbox has an invalid format\r\nOK Noop completed\r\n");
}

#[test]
fn a_message_of_which_a_piece_cannot_be_read_keeps_its_announced_length() {
    let message = "m".repeat(200_000);
    let line = format!("{}\r\n", mailbox("user.u2", "id-u2", 1, 10, "", &[record(1, &message, "")]));
    let talk = Talk::trusted().quietly(&upload(&[&message])).quietly(&line);
    let fetch =
        format!("GET FETCH %(MBOXNAME user.u2 PARTITION default UNIQUEID id-u2 GUID {} UID 1)\r\n", guid(&message));
    let mut reads = 0;
    let said = converse(talk, &fetch, || {
        reads += 1;
        reads == 2
    });
    let (head, body) = said.split_once("\r\n").unwrap();
    assert_eq!(head, format!("* MESSAGE %{{default {} 200000}}", guid(&message)));
    let (body, rest) = body.split_at(200_000);
    assert!(body != message && body.contains('\0'));
    assert_eq!(rest, "\r\nNO IMAP_IOERROR System I/O error\r\n");
}
