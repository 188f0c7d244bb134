//! Transcripts as tokens, each read whole, byte by byte, cut in two at every place, and with more behind it.

use super::*;
use bytes::BytesMut;

/// Tokens in a notation of one line: `word! atom 'quoted' <literal> \flag ( %( ) file[partition size] =data; . BAD(error)`.
fn show(tokens: &[Token]) -> String {
    let text = |bytes: &Bytes| bytes.escape_ascii().to_string();
    let shown = tokens.iter().map(|token| match token {
        Token::Word(word) => format!("{}!", text(word)),
        Token::Atom(atom) => text(atom),
        Token::Quoted(quoted) => format!("'{}'", text(quoted)),
        Token::Literal(literal) => format!("<{}>", text(literal)),
        Token::Flag(flag) => String::from_utf8(flag.to_vec()).unwrap(),
        Token::ListStart => "(".into(),
        Token::KvListStart => "%(".into(),
        Token::ListEnd => ")".into(),
        Token::FileStart(file) => {
            assert_eq!(file.guid.to_string(), GUID);
            format!("file[{} {}]", text(&file.partition), file.size)
        }
        Token::FileData(data) => format!("={}", text(data)),
        Token::FileEnd => ";".into(),
        Token::EndOfLine => ".".into(),
        Token::Bad(error) => format!("BAD({error:?})"),
    });
    shown.collect::<Vec<_>>().join(" ")
}

const GUID: &str = "785ec164963ae873b54bdd771f152e4332bab92a";

const LIMITS: WireLimits = WireLimits { max_string: 100, max_depth: 8 };

/// Reads the parts one after the other; neighbouring file data count as one.
fn read_parts(parts: &[&[u8]]) -> Vec<Token> {
    let mut scanner = Scanner::new(LIMITS);
    let mut tokens: Vec<Token> = Vec::new();
    for part in parts {
        let mut input = Bytes::copy_from_slice(part);
        while let Some(token) = scanner.next(&mut input) {
            match (tokens.last_mut(), token) {
                (Some(Token::FileData(front)), Token::FileData(back)) => {
                    let mut whole = BytesMut::from(&front[..]);
                    whole.extend_from_slice(&back);
                    *front = whole.freeze();
                }
                (_, token) => tokens.push(token),
            }
        }
        assert!(input.is_empty());
    }
    tokens
}

/// Reads the input in every way and expects the same tokens each time.
#[track_caller]
fn reads(input: &str, expected: &str) {
    let input = input.replace("GUID", GUID).into_bytes();
    assert_eq!(show(&read_parts(&[&input])), expected, "whole");
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(show(&read_parts(&bytes)), expected, "byte by byte");
    for at in 1..input.len() {
        let (front, back) = input.split_at(at);
        assert_eq!(show(&read_parts(&[front, back])), expected, "cut at {at}");
    }
    let trailing = [&input[..], b"NEXT x\r\nLA"].concat();
    assert_eq!(show(&read_parts(&[&trailing])), format!("{expected} NEXT! x ."), "with trailing bytes");
}

#[test]
fn commands_and_plain_arguments() {
    reads("NOOP\r\n", "NOOP! .");
    reads("noop\n", "noop! .");
    reads("AUTHENTICATE PLAIN AGZvbw==\r\n", "AUTHENTICATE! PLAIN AGZvbw== .");
    reads("AUTHENTICATE PLAIN =\r\nAGZvbw==\r\n*\r\n", "AUTHENTICATE! PLAIN = . AGZvbw==! . *! .");
    reads("APPLY(A)\r\n", "APPLY! ( A ) .");
    reads("APPLY\tA \x0b \x0c B \t \r\n", "APPLY! A B .");
}

#[test]
fn strings_of_all_forms() {
    reads("X NIL \"NIL\" {3+}\r\nNIL\r\n", "X! NIL 'NIL' <NIL> .");
    reads("X \"\" {0+}\r\n\r\n", "X! '' <> .");
    reads("X \"a \\\"b\\\\ {5+}\" c\r\n", "X! 'a \\\"b\\\\ {5+}' c .");
    reads("X \"a\\\nb\"\r\n", "X! 'a\\nb' .");
    reads("X {4+}\r\na\r\nb\r\nNOOP\r\n", "X! <a\\r\\nb> . NOOP! .");
    reads("X {4}\r\na\0\r\n {2+}\nhi\n", "X! <a\\x00\\r\\n> <hi> .");
    reads("X \\Seen \\ \\a\\b{1+}\r\n", "X! \\Seen \\ \\a\\b{1+} .");
    reads("X a\"b\"c{1+}\"d\\\\\"(e)%f\r\n", "X! a 'b' c{1+} 'd\\\\' ( e ) BAD(Percent)");
    reads("X k\u{e4}se a%(b\\c) \r\n", "X! k\\xc3\\xa4se a% ( b\\\\c ) .");
}

#[test]
fn lists() {
    reads(
        "APPLY MAILBOX %(A () B %() C (a (\"b\") %(c {1+}\r\n)))\r\n",
        "APPLY! MAILBOX %( A ( ) B %( ) C ( a ( 'b' ) %( c <)> ) ) BAD(UnclosedList)",
    );
    reads("APPLY X %(  A   (  a b  )  )\r\n", "APPLY! X %( A ( a b ) ) .");
    reads("X %(R (%(UID 1)%(UID 2)))\r\n", "X! %( R ( %( UID 1 ) %( UID 2 ) ) ) .");
}

#[test]
fn files() {
    reads(
        "APPLY MESSAGE (%{default GUID 5}\r\na)\r\n% %{\"p\" {40+}\r\nGUID 0}\r\n x)\r\n",
        "APPLY! MESSAGE ( file[default 5] =a)\\r\\n% ; file[p 0] ; x ) .",
    );
    reads("APPLY F %{p GUID 3}\nabc\n", "APPLY! F file[p 3] =abc ; .");
}

#[test]
fn lines_without_a_word() {
    reads("\r\n", "! .");
    reads("\n\n", "! . ! .");
    reads(" NOOP {4+}\r\na\nb\n\r\nNOOP\r\n", "BAD(NoWord) NOOP! .");
    reads("(a)\r\n\"x\ny\"\r\n", "BAD(NoWord) BAD(NoWord) y! BAD(UnclosedQuote)");
}

#[test]
fn bad_lines_are_framed_to_their_end() {
    let too_long = format!("X {} b\r\n", "a".repeat(101));
    reads(&too_long, "X! BAD(StringTooLong { limit: 100 })");
    reads(&format!("X \"{}\" b\r\n", "a\\b".repeat(60)), "X! BAD(StringTooLong { limit: 100 })");
    reads(&format!("{} b\r\n", "a".repeat(101)), "BAD(StringTooLong { limit: 100 })");
    reads(&format!("X {} b\r\n", "a".repeat(100)), &format!("X! {} b .", "a".repeat(100)));
    let commands = "\r\nEXIT\r\n)".repeat(12);
    let oversize = format!("X a {{108+}}\r\n{commands} b (c {{4+}}\r\nd\r\n) %{{p GUID 3}}\r\ne\r\n )\r\n");
    reads(&oversize, "X! a BAD(LiteralTooLong { size: 108, limit: 100 })");
    reads("X ) {3+}\r\n\r\n) %{p GUID 4}\r\n\r\n\r\n a {1+}\r\n\n\r\n", "X! BAD(UnopenedList)");
    for end in ["\r\n", "\0\"\r\n"] {
        let long = "a".repeat(101);
        reads(&format!("X \"{long}{end}"), "X! BAD(StringTooLong { limit: 100 })");
    }
    reads(&format!("X {}\0\r\n", "a".repeat(101)), "X! BAD(StringTooLong { limit: 100 })");
    reads("X a\0b \"c d\r\n", "X! BAD(Nul)");
    reads("X \"a\0b\" {2+}\r\n\n\n\r\n", "X! BAD(Nul)");
    reads("X\0Y a\r\n\0 b\r\n", "BAD(Nul) BAD(Nul)");
    reads("X \"a\\\0\" b\r\n", "X! BAD(Nul)");
    reads("X \"a\r\nY \"b\nZ\r\n", "X! BAD(UnclosedQuote) Y! BAD(UnclosedQuote) Z! .");
    reads("X a\rb {1+}\r\n\n\r\n", "X! a BAD(StrayReturn)");
    reads("X (a (b\r\nY\r\n", "X! ( a ( b BAD(UnclosedList) Y! .");
    reads("X %[a] {1+}\r\n\n\r\n", "X! BAD(Percent)");
    reads("X%% %\r\n", "X%%! BAD(Percent)");
    reads(&format!("X {} {{1+}}\r\n\n\r\n", "(".repeat(9)), "X! ( ( ( ( ( ( ( ( BAD(TooDeep { limit: 8 })");
    reads(&format!("X{}a{}b\r\n", " ".repeat(64), " ".repeat(65)), "X! a BAD(TooMuchSpace { limit: 64 })");
}

#[test]
fn malformed_sizes_are_text() {
    for size in [
        "{}",
        "{+}",
        "{-1+}",
        "{a+}",
        "{1++}",
        "{1+} ",
        "{1+}\rx",
        "{4294967296+}",
        "{99999999999999999999999+}",
        "{000000000000000000001+}",
    ] {
        reads(&format!("X a {size}\r\nY\r\n"), "X! a BAD(LiteralHeader) Y! .");
    }
}

#[test]
fn malformed_files() {
    for header in [
        "",
        " p GUID 1}",
        "p",
        "p  GUID 1}",
        "p GUID",
        "p GUID}",
        "p GUID }",
        "p GUID a}",
        "p GUID 1+}",
        "p GUID 4294967296}",
        "p GUID 1} ",
        "(p GUID 1}",
    ] {
        reads(&format!("X (%{{{header}\r\nY\r\n"), "X! ( BAD(FileHeader) Y! .");
    }
    reads("X (%{p 123 7}\r\na\r\nb\r\n)\r\n", "X! ( BAD(FileGuid)");
    reads("X (%{\"p\0\" GUID 3}\r\n\r\n) {1+}\r\n\n\r\n", "X! ( BAD(Nul)");
}

/// Bytes that look like the wire, the same on each run.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    const PIECES: [&[u8]; 20] = [
        b" ",
        b"(",
        b")",
        b"%(",
        b"%{",
        b"{3+}\r\n",
        b"{2}",
        b"\"",
        b"\\",
        b"\r\n",
        b"\r",
        b"\n",
        b"NIL",
        b"a",
        b"\0",
        b"{",
        b"}",
        b"p ",
        b"1",
        b"%{p 785ec164963ae873b54bdd771f152e4332bab92a 2}\r\n",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut pieces = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        PIECES[(state % 20) as usize]
    });
    pieces.by_ref().take(length).flatten().copied().collect()
}

#[test]
fn noise_is_read_alike_however_it_is_cut() {
    for seed in 0..3000 {
        let input = noise(seed, 40);
        let whole = show(&read_parts(&[&input]));
        for size in [1, 2, 7] {
            assert_eq!(show(&read_parts(&input.chunks(size).collect::<Vec<_>>())), whole, "{}", input.escape_ascii());
        }
        let next = [&input[..], b"\n\n\n\n\n\n\n\n\n\nNOOP\nNOOP\n"].concat();
        assert!(show(&read_parts(&[&next])).ends_with("NOOP! ."), "{}", input.escape_ascii());
    }
}

#[test]
fn two_hundred_thousand_lists_are_one_bad_line() {
    let mut scanner = Scanner::new(WireLimits::default());
    let mut input = Bytes::from([b"X ", &[b'('; 200_000][..], b"\r\nNOOP\r\n"].concat());
    let tokens: Vec<Token> = std::iter::from_fn(|| scanner.next(&mut input)).collect();
    assert_eq!(tokens.len(), 1 + 64 + 1 + 2);
    assert_eq!(tokens[65], Token::Bad(WireError::TooDeep { limit: 64 }));
}

#[test]
fn tokens_are_slices_of_the_input() {
    let mut input =
        Bytes::from_static(b"X atom \"quoted\" {3+}\r\nlit %{p 785ec164963ae873b54bdd771f152e4332bab92a 3}\r\nabc");
    let whole = input.as_ptr_range();
    let mut scanner = Scanner::new(LIMITS);
    while let Some(token) = scanner.next(&mut input) {
        if let Token::Word(text)
        | Token::Atom(text)
        | Token::Quoted(text)
        | Token::Literal(text)
        | Token::FileData(text) = token
        {
            assert!(whole.contains(&text.as_ptr()), "{text:?}");
        }
    }
}

#[test]
fn a_line_can_be_skipped_at_any_token() {
    let text = format!("X (a %{{p {GUID} 4}}\r\nb\r\n) {{2+}}\r\n\r\n)\r\nNEXT\r\n");
    for seen in 1..=8 {
        let mut scanner = Scanner::new(LIMITS);
        let mut input = Bytes::from(text.clone());
        for _ in 0..seen {
            scanner.next(&mut input).unwrap();
        }
        scanner.skip_line();
        assert_eq!(scanner.next(&mut input), Some(Token::EndOfLine), "after {seen}");
        scanner.skip_line();
        assert_eq!(scanner.next(&mut input), Some(Token::Word("NEXT".into())));
    }
    let mut scanner = Scanner::new(LIMITS);
    let mut input = Bytes::from_static(b"X a )\r\n");
    scanner.next(&mut input);
    scanner.skip_line();
    assert_eq!(scanner.next(&mut input), Some(Token::Bad(WireError::UnopenedList)));
}

#[test]
fn the_end_of_the_input_says_what_it_cut() {
    for (input, cut) in [
        ("", Ok(())),
        ("NOOP\r\n", Ok(())),
        ("NOOP", Err(Truncated::Line)),
        ("NOOP\r", Err(Truncated::Line)),
        ("X {5+}\r\nab", Err(Truncated::Literal { missing: 3 })),
        ("X (a", Err(Truncated::Line)),
        ("X %{p 785ec164963ae873b54bdd771f152e4332bab92a 5}\r\nab", Err(Truncated::File { missing: 3 })),
        ("X %{p 785ec164963ae873b54bdd771f152e4332bab92a 2}\r\nab", Err(Truncated::Line)),
    ] {
        let mut scanner = Scanner::new(LIMITS);
        let mut bytes = Bytes::from(input);
        while scanner.next(&mut bytes).is_some() {}
        assert_eq!(scanner.finish(), cut, "{input}");
    }
}

#[test]
fn strings_take_the_form_that_the_reference_gives_them() {
    let long = "a".repeat(1023);
    let longer = "a".repeat(1024);
    for (text, plain) in [
        ("", "\"\""),
        ("a", "a"),
        ("NIL", "\"NIL\""),
        ("nil", "nil"),
        ("NILS", "NILS"),
        ("user.u1", "user.u1"),
        ("a b", "\"a b\""),
        ("$Label1[]}~^&'+,/:;<=>?@`|", "$Label1[]}~^&'+,/:;<=>?@`|"),
        ("u1\tlrs\t", "\"u1\tlrs\t\""),
        ("\u{1}\u{7f}", "\"\u{1}\u{7f}\""),
        ("a(b", "\"a(b\""),
        ("a)b", "\"a)b\""),
        ("a{b", "\"a{b\""),
        ("a*b", "\"a*b\""),
        ("a%b", "{3}\r\na%b"),
        ("a\"b", "{3}\r\na\"b"),
        ("\\Seen", "{5}\r\n\\Seen"),
        ("a\nb", "{3}\r\na\nb"),
        ("a\rb", "{3}\r\na\rb"),
        ("\u{e4}", "{2}\r\n\u{e4}"),
        ("a\0b", "{3}\r\na\0b"),
        (&long, &long),
        (&longer, &format!("{{1024}}\r\n{longer}")),
        (&format!("{long} "), &format!("{{1024}}\r\n{long} ")),
    ] {
        let mut out = BytesMut::new();
        put_astring(&mut out, text.as_bytes(), LiteralForm::Plain);
        assert_eq!(out, plain, "{text:?}");
    }
    let mut out = Vec::new();
    put_astring(&mut out, b"a\"", LiteralForm::NonSync);
    assert_eq!(out, b"{2+}\r\na\"");
}

#[test]
fn every_string_that_is_written_is_read_back() {
    let mut scanner = Scanner::new(WireLimits::default());
    for first in 0..=255 {
        for text in [vec![first], vec![b'a', first, b'b'], vec![first; 1024]] {
            for form in [LiteralForm::Plain, LiteralForm::NonSync] {
                let mut line = b"X ".to_vec();
                put_astring(&mut line, &text, form);
                line.extend_from_slice(b"\r\n");
                let mut input = Bytes::from(line);
                scanner.next(&mut input);
                let (Some(Token::Atom(read) | Token::Quoted(read) | Token::Literal(read)), Some(Token::EndOfLine)) =
                    (scanner.next(&mut input), scanner.next(&mut input))
                else {
                    panic!("{text:?}")
                };
                assert_eq!(read, text);
            }
        }
    }
}
