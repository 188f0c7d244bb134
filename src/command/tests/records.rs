//! The records of a mailbox.

use super::*;

fn decode(flags: &str, annotations: &str, names: &mut FlagNames) -> Result<AnnotatedRecord, BadField> {
    let text = format!(
        "%(UID 7 MODSEQ 8 LAST_UPDATED 9 FLAGS {flags} INTERNALDATE 10 SIZE 11 GUID {GUID} ANNOTATIONS {annotations})"
    );
    decode_record(&value(&text), names)
}

fn of_flags(flags: &str) -> Result<Record, BadField> {
    decode(flags, "()", &mut FlagNames::default()).map(|record| record.record)
}

fn of_annotations(annotations: &str) -> Result<AnnotatedRecord, BadField> {
    decode("()", annotations, &mut FlagNames::default())
}

fn annotation(entry: &str, value: &str) -> String {
    format!("%(ENTRY {entry} USERID \"\" MODSEQ 3 VALUE {value})")
}

#[test]
fn dates_before_1970_are_numbers_close_to_2_to_the_64() {
    let text = format!(
        "%(UID 7 MODSEQ 8 LAST_UPDATED 18446744073709551615 FLAGS () INTERNALDATE 18446744073709551614 SIZE 11 GUID {GUID})"
    );
    let record = decode_record(&value(&text), &mut FlagNames::default()).unwrap().record;
    assert_eq!((record.last_updated, record.internal_date), (-1, -2));
}

#[test]
fn system_flags_in_either_case_and_unknown_ones_passed_over() {
    let record = of_flags("(\\Seen \\ANSWERED \\flagged \\Deleted \\Draft \\Recent \\Unheard)").unwrap();
    assert_eq!(record.system_flags, SystemFlags(SystemFlags::ALL));
    assert_eq!(record.internal_flags, InternalFlags(0));
    assert!(of_flags("(\\Expunged)").unwrap().is_expunged());
}

#[test]
fn user_flags_get_their_places_in_the_order_of_first_use() {
    let mut names = FlagNames::default();
    let first = decode("($A Todo)", "()", &mut names).unwrap().record.user_flags;
    let second = decode("(todo Z)", "()", &mut names).unwrap().record.user_flags;
    assert_eq!((first, second), ([0b11, 0, 0, 0], [0b110, 0, 0, 0]));
    let names: Vec<_> = names.names().iter().map(FlagName::as_str).collect();
    assert_eq!(names, ["$A", "Todo", "Z"]);
}

#[test]
fn at_most_128_user_flags_are_named() {
    let flags = |count: usize| {
        let flags: Vec<_> = (0..count).map(|number| format!("f{number}")).collect();
        format!("({})", flags.join(" "))
    };
    assert_eq!(of_flags(&flags(128)).unwrap().user_flags, [u32::MAX; 4]);
    assert_eq!(of_flags(&flags(129)), Err(BadField::new("FLAGS", Problem::Unknown)));
}

#[test]
fn flags_that_are_no_names_are_refused() {
    let long = format!("({})", "a".repeat(4096));
    let bad =
        ["(NIL)", "(())", "(\"\")", "(\"a b\")", "(\u{e4})", "({3+}\r\na\0b)", "({3+}\r\na\nb)", "(\"a/b)\")", &long];
    for flags in bad {
        assert_eq!(of_flags(flags).map_err(|bad| bad.field), Err("FLAGS"), "{}", flags.escape_debug());
    }
}

#[test]
fn annotations_that_are_fields_of_the_record() {
    let ours = |name: &str, value: &str| annotation(&format!("/vendor/cmu/cyrus-imapd/{name}"), value);
    let all = [ours("thrid", "00000000000000ff"), ours("savedate", "5"), ours("createdmodseq", "6")].join(" ");
    let decoded = of_annotations(&format!("({all})")).unwrap();
    let Record { cid, save_date, created_modseq, .. } = decoded.record;
    assert_eq!((cid, save_date, created_modseq), (255, 5, ModSeq(6)));
    assert_eq!(decoded.annotations(), []);
    for name in ["thrid", "savedate", "createdmodseq"] {
        for bad in ["\"\"", "x!", "-1", "99999999999999999999999999"] {
            let Record { cid, save_date, created_modseq, .. } =
                of_annotations(&format!("({})", ours(name, bad))).unwrap().record;
            assert_eq!((cid, save_date, created_modseq), (0, 0, ModSeq(0)), "{name} {bad}");
        }
    }
}

#[test]
fn annotations_are_sorted_and_those_without_a_value_left_out() {
    let list = [annotation("/b", "2"), annotation("/a", "1"), annotation("/c", "\"\""), annotation("/b", "3")];
    let decoded = of_annotations(&format!("({})", list.join(" "))).unwrap();
    let kept: Vec<_> = decoded.annotations().iter().map(|one| (&one.entry[..], &one.value[..])).collect();
    assert_eq!(kept, [(&b"/a"[..], &b"1"[..]), (b"/b", b"2")]);
}

#[test]
fn masters_before_3_2_send_neither_user_nor_modseq() {
    let decoded = of_annotations("(%(ENTRY /comment VALUE x))").unwrap();
    let expected = Annotation { entry: "/comment".into(), user: "".into(), value: "x".into(), modseq: ModSeq(0) };
    assert_eq!(decoded.annotations(), [expected]);
}

#[test]
fn bad_annotations_are_refused() {
    let long = annotation(&"a".repeat(1025), "x");
    for (annotations, field) in [
        ("(NIL)", "ANNOTATIONS"),
        ("(a)", "ANNOTATIONS"),
        ("(())", "ANNOTATIONS"),
        ("(%(VALUE x))", "ENTRY"),
        ("(%(ENTRY NIL VALUE x))", "ENTRY"),
        ("(%(ENTRY \"\" VALUE x))", "ENTRY"),
        ("(%(ENTRY {3+}\r\na\0b VALUE x))", "ENTRY"),
        ("(%(ENTRY (a) VALUE x))", "ENTRY"),
        ("(%(ENTRY /a))", "VALUE"),
        ("(%(ENTRY /a VALUE NIL))", "VALUE"),
        ("(%(ENTRY /a VALUE ()))", "VALUE"),
        ("(%(ENTRY /a USERID (u) VALUE x))", "USERID"),
        ("(%(ENTRY /a USERID {3+}\r\na\0b VALUE x))", "USERID"),
        ("(%(ENTRY /a MODSEQ x VALUE x))", "MODSEQ"),
        ("(%(ENTRY /a MODSEQ NIL VALUE x))", "MODSEQ"),
        (&format!("({long})"), "ENTRY"),
    ] {
        let outcome = of_annotations(annotations).map(|_| ()).map_err(|bad| bad.field);
        assert_eq!(outcome, Err(field), "{}", annotations.escape_debug());
    }
}
