//! Messages as they come, in pieces and wrong ones.

use super::*;

#[test]
fn one_after_the_other_within_one_line() {
    let mut talk = Talk::trusted();
    talk.say(&upload(&["one", "three"]));
    let happened: Vec<&str> = talk.log.lines().filter(|line| !line.starts_with("C: ")).collect();
    let expected = [
        "   BeginUpload default 3 bytes",
        "   UploadChunk one",
        "   FinishUpload",
        "   BeginUpload default 5 bytes",
        "   UploadChunk three",
        "   FinishUpload",
        "S: OK success",
    ];
    assert_eq!(happened, expected);
}

#[test]
fn a_message_that_comes_in_pieces_is_handed_on_in_pieces() {
    let line = upload(&["abcdef"]);
    let (head, rest) = line.split_at(line.find("abcdef").unwrap() + 2);
    let mut talk = Talk::trusted();
    talk.say(head);
    talk.say(rest);
    assert!(talk.log.contains("   UploadChunk ab\n"), "{}", talk.log);
    assert!(talk.log.contains("   UploadChunk cdef\n   FinishUpload\nS: OK success\n"), "{}", talk.log);
}

#[test]
fn a_message_without_bytes() {
    let mut talk = Talk::trusted();
    talk.say(&upload(&[""]));
    assert!(talk.log.ends_with("   BeginUpload default 0 bytes\n   FinishUpload\nS: OK success\n"), "{}", talk.log);
}

#[test]
fn bytes_of_another_guid_are_given_up() {
    let mut talk = Talk::trusted();
    talk.say(&upload(&["one"]).replace("one", "two"));
    let end =
        "   UploadChunk two\n   AbortUpload\nS: NO IMAP_MESSAGE_CONTENT_MISMATCH Message does not match its GUID\n";
    assert!(talk.log.ends_with(end), "{}", talk.log);
}

#[test]
fn an_upload_that_the_end_of_file_cuts_is_discarded() {
    let line = upload(&["abcdef"]);
    let mut talk = Talk::trusted();
    talk.say(&line[..line.len() - 5]);
    talk.session.receive(Bytes::new());
    talk.listen();
    let end = "   UploadChunk abcd\n   DiscardStaged\nthe peer closed the connection inside a command\n";
    assert!(talk.log.ends_with(end), "{}", talk.log);
    assert!(matches!(talk.session.poll(), Ok(Step::Closed)));
}

/// Every chunk lies within the buffer that was given to `receive`: no byte of a message is copied.
#[test]
fn chunks_are_slices_of_the_input() {
    let message = "m".repeat(10_000);
    let line = Bytes::from(upload(&[&message]));
    let mut session = Session::new(Config::trusted("r"));
    let mut store = MemoryStore::new();
    let mut rest = line.clone();
    let mut chunks = 0;
    loop {
        match session.poll().unwrap() {
            Step::NeedInput if rest.is_empty() => break,
            Step::NeedInput => session.receive(rest.split_to(rest.len().min(3000))),
            Step::Write(_) => {}
            Step::Perform(op) => {
                if let Op::UploadChunk(chunk) = &op {
                    assert!(line.as_ptr_range().contains(&chunk.0.as_ptr()), "a chunk is a copy");
                    chunks += chunk.0.len();
                }
                op.perform(&mut session, &mut store).unwrap();
            }
            step => panic!("{step:?}"),
        }
    }
    assert_eq!(chunks, message.len());
}
