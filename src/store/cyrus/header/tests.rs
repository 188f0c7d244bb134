use super::*;
use std::path::PathBuf;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/index").join(name)).unwrap()
}

fn file(rest: &str) -> Vec<u8> {
    [MAGIC, rest.as_bytes()].concat()
}

#[test]
fn files_of_real_servers_are_written_back_byte_for_byte() {
    for name in ["v17-replica-0.header", "v17-replica-1.header", "v19-replica-0.header", "v19-replica-1.header"] {
        let file = golden(name);
        assert_eq!(encode(&decode(&file).unwrap(), Form::KeyValue).unwrap(), file, "{name}");
    }
    let header = decode(&golden("v19-replica-1.header")).unwrap();
    assert_eq!(header.name.as_deref(), Some(&b"user.u1"[..]));
    assert_eq!(header.uniqueid.as_deref(), Some(&b"8genbqkhgl3bmptj0h14vv89"[..]));
    assert_eq!(header.acl.as_deref(), Some(&b"u1\tlrswipkxtecdan\t"[..]));
    assert_eq!(header.user_flags, ["$Label1", "NonJunk", "MiXeD"].map(|flag| Some(flag.as_bytes().to_vec())));
}

#[test]
fn keys_are_left_out_or_nil_as_the_reference_does() {
    for (form, line) in [
        (Form::KeyValue, "%(T e N shared I x1)"),
        (Form::KeyValue, "%(T e N shared I x1 A %())"),
        (Form::KeyValue, "%(T el N \"user.u1.Sub folder\" I x1 Q user.u1 A %(u1 lrs anyone \"\") U (a NIL \"NIL\" b))"),
        (Form::KeyValue, "%(T NIL N NIL I NIL)"),
        (Form::WithJmapId, "%(T e N shared I x1 J j1 Q \"\")"),
        (Form::WithJmapId, "%(T e N shared I x1 J NIL)"),
    ] {
        let file = file(&format!("{line}\n"));
        assert_eq!(encode(&decode(&file).unwrap(), form).as_deref(), Ok(&file[..]), "{line}");
    }
    let header = MailboxHeader { user_flags: vec![None, None], ..MailboxHeader::default() };
    assert_eq!(encode(&header, Form::KeyValue).unwrap(), file("%(T NIL N NIL I NIL)\n"), "no flag has a name");
}

#[test]
fn the_three_lines_of_old_releases_are_read_and_written() {
    let old = file("user.u1\t0123456789abcdef\nJunk  $Label1 \nu1\tlrs\tanyone\tl\t\n");
    let header = decode(&old).unwrap();
    assert_eq!(header.quotaroot.as_deref(), Some(&b"user.u1"[..]));
    assert_eq!(header.uniqueid.as_deref(), Some(&b"0123456789abcdef"[..]));
    assert_eq!(header.user_flags, [Some(b"Junk".to_vec()), None, Some(b"$Label1".to_vec())]);
    assert_eq!(header.acl.as_deref(), Some(&b"u1\tlrs\tanyone\tl\t"[..]));
    let written = file("user.u1\t0123456789abcdef\nJunk $Label1 \nu1\tlrs\tanyone\tl\t\n");
    assert_eq!(encode(&header, Form::Lines).unwrap(), written);

    assert_eq!(decode(&file("\tx1\n\n\n")).unwrap().uniqueid.as_deref(), Some(&b"x1"[..]));
    let ancient = decode(&file("user.u1\n\n\n")).unwrap();
    assert_eq!((ancient.uniqueid, ancient.quotaroot.as_deref()), (None, Some(&b"user.u1"[..])));
}

#[test]
fn what_the_reference_would_write_as_a_literal_is_quoted() {
    let value = |name: &[u8]| MailboxHeader { name: Some(name.to_vec()), ..MailboxHeader::default() };
    let long = [b'a'; 1024];
    for name in [&b"a\"b\\c%d"[..], b"\xc3\xa4", b"a\rb", b"", b"NIL", b")", &long] {
        let file = encode(&value(name), Form::KeyValue).unwrap();
        assert_eq!(file.iter().filter(|byte| **byte == b'\n').count(), 4);
        assert_eq!(decode(&file).unwrap(), value(name));
    }
    for byte in [b'\n', 0] {
        let error = MailboxHeaderError::Unwritable { field: "name", byte };
        assert_eq!(encode(&value(&[b'a', byte]), Form::KeyValue), Err(error));
    }
    let tab = MailboxHeader { quotaroot: Some(b"a\tb".to_vec()), ..MailboxHeader::default() };
    assert!(encode(&tab, Form::KeyValue).is_ok());
    assert!(encode(&tab, Form::Lines).is_err());
}

#[test]
fn flags_take_the_first_free_number_and_keep_it() {
    let flag = |name: &str| FlagName::parse(name.as_bytes()).unwrap();
    let mut header = decode(&file("%(T e N a I x1 U (a NIL b))\n")).unwrap();
    assert_eq!(header.flag_number(&flag("B")), Some(2));
    assert_eq!(header.flag_number_or_new(&flag("A")), Ok(0));
    assert_eq!(header.flag_number_or_new(&flag("c")), Ok(1));
    assert_eq!(header.flag_number_or_new(&flag("d")), Ok(3));
    for number in 4..MAX_USER_FLAGS {
        assert_eq!(header.flag_number_or_new(&flag(&format!("f{number}"))), Ok(number));
    }
    assert_eq!(header.flag_number_or_new(&flag("one-too-many")), Err(FlagsExhausted));
    assert_eq!(header.flag_number_or_new(&flag("F127")), Ok(127));
    assert!(encode(&header, Form::KeyValue).is_ok());
}

#[test]
fn damage_is_reported_and_never_panics() {
    for name in ["v17-replica-0.header", "v19-replica-1.header"] {
        let file = golden(name);
        for size in 0..file.len() {
            assert!(decode(&file[..size]).is_err(), "{name} cut to {size} bytes");
        }
        for at in 0..file.len() {
            for byte in [0, b' ', b'"', b'%', b'(', b')', b'\n', b'\\', 0xff] {
                let mut damaged = file.clone();
                damaged[at] = byte;
                let _ = decode(&damaged);
            }
        }
    }
    let flags = format!("%(U ({}))\n", vec!["f"; 129].join(" "));
    assert_eq!(decode(&file(&flags)), Err(MailboxHeaderError::TooManyFlags));
    assert_eq!(decode(&file("a\tb\n")), Err(MailboxHeaderError::NoLineEnd { line: 1 }));
    assert_eq!(decode(&file("%(T e\n")).map_err(|error| error.to_string().contains("byte")), Err(true));
}
