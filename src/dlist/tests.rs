//! Lines as items, values as text and back, and what each value can be read as.

use super::*;
use crate::{
    types::Guid,
    wire::{LiteralForm, Scanner, Token, WireError, WireLimits},
};
use bytes::Bytes;

const RULE: StreamRule = |item, key| matches!((item, key), (b"MAILBOX", b"RECORD") | (b"MESSAGE", b""));

const GUID: &str = "785ec164963ae873b54bdd771f152e4332bab92a";

/// The line that a 3.12 master sent for a mailbox with two messages, without its command word.
const MAILBOX: &str = "MAILBOX %(UNIQUEID z03vbx4vbu4mamzavst3d9me MBOXNAME user.u1 SYNC_CRC 2524710074 ACL \"u1\tlrswipkxtecdan\t\" \
    USERFLAGS ($Label1 Foo) RECORD (%(UID 1 MODSEQ 7 FLAGS ($Label1 Foo) GUID 785ec164963ae873b54bdd771f152e4332bab92a \
    ANNOTATIONS (%(ENTRY /vendor/cmu/cyrus-imapd/savedate USERID \"\" MODSEQ 0 VALUE 1795464234))) \
    %(UID 2 MODSEQ 9 FLAGS (\\Deleted \\Expunged \\Seen))))";

struct Reading {
    elements: Vec<Value>,
    result: Result<Item, DlistError>,
}

fn tokens(line: &str) -> Vec<Token> {
    let mut scanner = Scanner::new(WireLimits::default());
    let mut input = Bytes::from(format!("APPLY {line}\r\n"));
    std::iter::from_fn(|| scanner.next(&mut input)).skip(1).collect()
}

fn read_with(builder: &mut Builder, line: &str) -> Reading {
    let mut elements = Vec::new();
    for token in tokens(line) {
        let event = match token {
            Token::FileStart(file) => builder.push_file(file),
            Token::FileData(_) | Token::FileEnd => continue,
            token => builder.push(token),
        };
        match event {
            Ok(Event::More) => {}
            Ok(Event::Element(element)) => elements.push(element),
            Ok(Event::Done(item)) => return Reading { elements, result: Ok(item) },
            Err(error) => return Reading { elements, result: Err(error) },
        }
    }
    panic!("the line did not end")
}

fn read(line: &str) -> Reading {
    read_with(&mut Builder::new(1 << 20, RULE), line)
}

fn print(value: &Value) -> String {
    let mut writer = Writer::new(LiteralForm::NonSync);
    writer.value(value);
    String::from_utf8(writer.take().to_vec()).unwrap()
}

fn atom(text: &str) -> Value {
    Value::Atom(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn a_line_is_read_and_printed_back() {
    for line in [
        "USER u1",
        "X NIL",
        "X \"NIL\"",
        "X \"\"",
        "X ()",
        "X %()",
        "X (a NIL \"b c\" () (d %(e f)) \\Flag)",
        "X %(A 1 B \"\" C (x y) D %(E NIL) \"K 1\" v A 2)",
        "X %(A {4+}\r\na\"\r\n B {3+}\r\na\0b)",
        &MAILBOX.replace("MAILBOX %", "OTHER %"),
    ] {
        let item = read(line).result.unwrap();
        assert_eq!(format!("{} {}", item.name.escape_ascii(), print(&item.value)), line);
    }
}

#[test]
fn elements_leave_as_they_are_complete() {
    let reading = read(MAILBOX);
    let records: Vec<&KvList> = reading.elements.iter().map(|element| element.kvlist().unwrap()).collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].get(b"ANNOTATIONS").unwrap().list().unwrap().len(), 1);
    assert_eq!(records[1].get(b"UID").unwrap().number32(), Some(2));
    let item = reading.result.unwrap();
    assert_eq!(item.value.kvlist().unwrap().get(b"RECORD").unwrap(), &Value::List(Vec::new()));
    assert_eq!(item.value.kvlist().unwrap().get(b"USERFLAGS").unwrap().list().unwrap(), [atom("$Label1"), atom("Foo")]);
}

#[test]
fn what_came_before_the_elements_can_be_seen() {
    let mut builder = Builder::new(1 << 20, RULE);
    let mut seen = 0;
    for token in tokens(MAILBOX) {
        if let Event::Element(element) = builder.push(token).unwrap() {
            assert_eq!(builder.name().unwrap(), "MAILBOX");
            assert_eq!(builder.element_key().unwrap(), "RECORD");
            assert_eq!(builder.pairs()[1], ("MBOXNAME".into(), atom("user.u1")));
            builder.recycle(element);
            seen += 1;
        }
    }
    assert_eq!(seen, 2);
    assert_eq!((builder.name(), builder.element_key(), builder.pairs().len()), (None, None, 0));
}

#[test]
fn files_are_elements_or_the_whole_value() {
    let file = format!("%{{default {GUID} 3}}\r\nabc");
    let reading = read(&format!("MESSAGE ({file} NIL {file})"));
    let shown = reading.elements.iter().map(|element| element.file().map(|file| file.size)).collect::<Vec<_>>();
    assert_eq!(shown, [Some(3), None, Some(3)]);
    assert_eq!(reading.result.unwrap().value, Value::List(Vec::new()));
    assert!(read(&format!("X {file}")).result.unwrap().value.file().is_some());
    for line in [
        format!("X ({file})"),
        format!("MAILBOX %(A {file})"),
        format!("MESSAGE (({file}))"),
        format!("X a {file}"),
        file,
    ] {
        assert_eq!(read(&line).result, Err(DlistError::UnexpectedFile), "{line}");
    }
}

#[test]
fn lines_that_are_no_item() {
    for (line, error) in [
        ("", DlistError::NoName),
        ("USER", DlistError::NoValue),
        ("USER u1 u2", DlistError::Trailing),
        ("USER (u1) ()", DlistError::Trailing),
        ("(USER u1)", DlistError::Key),
        ("X %(A)", DlistError::KeyWithoutValue),
        ("X %(A 1 B)", DlistError::KeyWithoutValue),
        ("X %((A) 1)", DlistError::Key),
        ("X %(%(A 1) 1)", DlistError::Key),
        ("X %({3+}\r\na\0b 1)", DlistError::Key),
        ("X (a", DlistError::Wire(WireError::UnclosedList)),
        ("X )", DlistError::Wire(WireError::UnopenedList)),
    ] {
        let mut builder = Builder::new(1 << 20, RULE);
        assert_eq!(read_with(&mut builder, line).result, Err(error), "{line}");
        assert_eq!(read_with(&mut builder, "USER u1").result.unwrap().value, atom("u1"));
    }
}

#[test]
fn what_is_held_is_bounded_and_what_leaves_is_not() {
    let line = |item: &str| format!("{item} ({})", "abcdefgh ".repeat(1000));
    let mut builder = Builder::new(10_000, RULE);
    assert_eq!(read_with(&mut builder, &line("X")).result, Err(DlistError::TooBig { limit: 10_000 }));
    assert_eq!(read_with(&mut builder, &line("MESSAGE")).elements.len(), 1000);
    let nested = format!("MESSAGE (a ({}))", "() ".repeat(1000));
    assert_eq!(read_with(&mut builder, &nested).result, Err(DlistError::TooBig { limit: 10_000 }));
    let literal = format!("X {{20000+}}\r\n{}", "a".repeat(20_000));
    assert_eq!(read_with(&mut builder, &literal).result, Err(DlistError::TooBig { limit: 10_000 }));
}

#[test]
fn numbers() {
    let literal = |text: &str| Value::Literal(Bytes::copy_from_slice(text.as_bytes()));
    for (value, number) in [
        (atom("0"), Some(0)),
        (atom("007"), Some(7)),
        (literal("42"), Some(42)),
        (atom("4294967296"), Some(1 << 32)),
        (atom("18446744073709551615"), Some(u64::MAX)),
        (atom("18446744073709551616"), None),
        (atom("99999999999999999999999"), None),
        (atom(""), None),
        (atom("-1"), None),
        (atom("1 "), None),
        (atom("0x1"), None),
        (Value::Flag("1".into()), None),
        (Value::Nil, None),
        (Value::List(Vec::new()), None),
    ] {
        assert_eq!(value.number64(), number, "{value:?}");
        assert_eq!(value.number32(), number.and_then(|number| u32::try_from(number).ok()), "{value:?}");
    }
    assert_eq!(atom("18446744073709551615").date(), Some(-1));
    for (text, number) in [
        ("0", Some(0)),
        ("00000000000000000000ff", Some(255)),
        ("fFfFfFfFfFfFfFfF", Some(u64::MAX)),
        ("10000000000000000", None),
        ("", None),
        ("g", None),
        ("\u{e4}", None),
    ] {
        assert_eq!(atom(text).hex64(), number, "{text}");
    }
}

#[test]
fn strings_and_guids() {
    let binary = Value::Literal(Bytes::from_static(b"a\0b"));
    assert_eq!((binary.atom(), binary.map().unwrap().len()), (None, 3));
    assert_eq!(Value::Flag("\\Seen".into()).atom().unwrap(), "\\Seen");
    assert!(Value::Nil.is_nil() && Value::Nil.atom().is_none() && Value::Nil.map().is_none());
    assert_eq!(Value::KvList(KvList::default()).atom(), None);
    assert_eq!(atom(GUID).guid().unwrap().to_string(), GUID);
    assert_eq!(atom(&GUID[1..]).guid(), None);
    assert_eq!(atom(&"0".repeat(40)).guid(), Some(Guid::NULL));
    assert_eq!(Value::Flag(GUID.into()).guid(), None);
}

#[test]
fn the_first_of_two_equal_keys_counts() {
    let item = read("X %(A 1 a 2 A 3)").result.unwrap();
    let pairs = item.value.kvlist().unwrap();
    assert_eq!((pairs.get(b"A"), pairs.get(b"a"), pairs.get(b"B")), (Some(&atom("1")), Some(&atom("2")), None));
}

#[test]
fn values_are_printed_as_the_reference_prints_them() {
    let mut writer = Writer::new(LiteralForm::Plain);
    writer.reply("X").open_kvlist();
    writer.key("ATOM").atom("a b").key("NONE").atom_or_nil(None::<&str>).key("FLAG").flag("\\Seen");
    writer.key("NUM").number(u32::MAX).key("DATE").date(-1).key("HEX").hex64(0xabc).key("GUID").guid(&Guid::NULL);
    writer.key("MAP").map("a%").key("BIN").map(b"\0").key("L").open_list().close().key("K").open_kvlist().close();
    writer.close().end_line().line("OK success");
    let expected = format!(
        "* X %(ATOM \"a b\" NONE NIL FLAG \\Seen NUM 4294967295 DATE 18446744073709551615 HEX 0000000000000abc GUID {} \
         MAP {{2}}\r\na% BIN {{1}}\r\n\0 L () K %())\r\nOK success\r\n",
        "0".repeat(40)
    );
    assert_eq!(writer.take(), expected);
    assert!(writer.is_empty());
}

#[test]
fn a_file_is_printed_as_its_header() {
    let file = FileRef { partition: "default".into(), guid: Guid::NULL, size: 3 };
    let mut writer = Writer::new(LiteralForm::Plain);
    writer.reply("MESSAGE").file_header(&file);
    assert_eq!(writer.take(), format!("* MESSAGE %{{default {} 3}}\r\n", "0".repeat(40)));
    writer.end_line();
    assert_eq!(writer.take(), "\r\n");
}

#[test]
fn a_reply_can_be_taken_in_parts() {
    let mut writer = Writer::new(LiteralForm::Plain);
    writer.reply("LSUB").open_list().atom("a");
    let front = writer.take();
    writer.atom("b").close().end_line();
    assert_eq!([front, writer.take()].concat(), b"* LSUB (a b)\r\n");
}

#[test]
fn database_values_are_read_and_printed_back() {
    for text in [
        "%(T e I z03vbx4vbu4mamzavst3d9me P default V 1795464235 C 1 F 10 M 1795464245 A %(u1 lrswipkxtecdan) H (%(N user.u0 M 5)))",
        "%(T e N user.u1 I z03vbx4vbu4mamzavst3d9me Q user.u1 A %(u1 lrswipkxtecdan \"group:a b\" lrs) U ($Label1 NIL Foo))",
        "%(A %())",
        "()",
        "NIL",
        "(1 2 (3) {3+}\r\na\"b \"c d\")",
    ] {
        assert_eq!(print(&parse(text.as_bytes()).unwrap()), text);
    }
}

#[test]
fn database_values_follow_their_own_rules() {
    for (text, printed) in [
        ("%(A a(b)c)", "%(A \"a(b)c\")"),
        ("(a\"b )", "({3+}\r\na\"b)"),
        ("%(A )", "%(A \"\")"),
        ("( )", "(\"\")"),
        ("(a  b)", "(a \"\" b)"),
        ("(\\Seen)", "({5+}\r\n\\Seen)"),
        ("(\"a\\\"\\b\")", "({3+}\r\na\"b)"),
        ("({1}\r\na)", "(a)"),
        ("a\tb", "\"a\tb\""),
    ] {
        assert_eq!(print(&parse(text.as_bytes()).unwrap()), printed, "{text}");
    }
}

#[test]
fn damaged_database_values_are_errors() {
    let deep = "(".repeat(100_000);
    for text in [
        "",
        "(",
        "%",
        "%x",
        "%{p g 1}",
        "%(A",
        "%(A)",
        "%(A b",
        "(a",
        "(a)b",
        "(a) ",
        "\"a",
        "\"a\\",
        "(\"a\"b)",
        "{3+}\r\nabc",
        "({9+}\r\nabc)",
        "({99999999999999999999+}\r\n)",
        "({1+}a)",
        "%(NIL a)",
        "%(\"a\"b)",
        "()x",
        &deep,
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text:.20}");
    }
    let text = b"%(T e A %(u1 \"x y\") H (%(N {2+}\r\nab M 5)) U (a b))";
    for end in 0..text.len() {
        assert!(parse(&text[..end]).is_err(), "{end}");
    }
}

#[test]
fn noise_is_an_item_or_an_error() {
    let noise = |seed, length| String::from_utf8(crate::wire::tests::noise(seed, length)).unwrap();
    let mut builder = Builder::new(1 << 20, RULE);
    for seed in 0..3000 {
        let mut refused = false;
        for token in tokens(&format!("MESSAGE ({}", noise(seed, 40))) {
            let ends = matches!(token, Token::EndOfLine | Token::Bad(_));
            if !refused && !matches!(token, Token::Word(_)) {
                refused = builder.push(token).is_err();
            }
            refused &= !ends;
        }
        builder.reset();
        if let Ok(value) = parse(noise(seed, 12).as_bytes()) {
            // A literal is read back only before another byte, as the parenthesis of a list.
            let printed = print(&Value::List(vec![value]));
            assert_eq!(print(&parse(printed.as_bytes()).unwrap()), printed);
        }
    }
}
