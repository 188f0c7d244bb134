//! The wire scanner: the same tokens however the input is cut, balanced lists, strings within their bound, and lines that end
//! where they end.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use sync_server::wire::{Scanner, Token, WireLimits};
use sync_server_fuzz::Dice;

const LIMITS: WireLimits = WireLimits { max_string: 64, max_depth: 8 };

fuzz_target!(|input: &[u8]| {
    let mut dice = Dice::of(input);
    let (whole, rests) = tokens(input, || usize::MAX);
    assert_eq!(tokens(input, || 1), (whole.clone(), rests), "byte by byte");
    assert_eq!(tokens(input, || 1 + dice.below(40)), (whole.clone(), rests), "in pieces");
    check(&whole);
});

/// All tokens, the parts of each file put together, and whether the input ends between lines.
fn tokens(input: &[u8], mut piece: impl FnMut() -> usize) -> (Vec<Token>, bool) {
    let mut scanner = Scanner::new(LIMITS);
    let mut rest = Bytes::copy_from_slice(input);
    let mut tokens: Vec<Token> = Vec::new();
    let mut file: Option<BytesMut> = None;
    while !rest.is_empty() {
        let mut part = rest.split_to(rest.len().min(piece()));
        while let Some(token) = scanner.next(&mut part) {
            match (token, &mut file) {
                (Token::FileData(data), Some(file)) => {
                    assert!(!data.is_empty());
                    file.extend_from_slice(&data);
                }
                (Token::FileEnd, some @ Some(_)) => {
                    tokens.extend(some.take().map(|file| Token::FileData(file.freeze())));
                    tokens.push(Token::FileEnd);
                }
                (start @ Token::FileStart(_), None) => {
                    file = Some(BytesMut::new());
                    tokens.push(start);
                }
                (Token::Bad(_), Some(_)) => panic!("a file is cut short"),
                (token, None) => tokens.push(token),
                (token, Some(_)) => panic!("{token:?} within a file"),
            }
        }
        assert!(part.is_empty(), "input is left over");
    }
    assert_eq!(scanner.is_between_lines(), scanner.finish().is_ok());
    (tokens, scanner.is_between_lines())
}

fn check(tokens: &[Token]) {
    let (mut depth, mut in_line, mut announced) = (0_usize, false, None);
    for token in tokens {
        let starts = matches!(token, Token::Word(_));
        assert!(starts != in_line || matches!(token, Token::Bad(_)), "{token:?} is out of place");
        match token {
            Token::Word(text) => {
                in_line = true;
                bounded(text);
            }
            Token::Atom(text) | Token::Flag(text) => {
                assert!(!text.is_empty() && !text.contains(&0));
                bounded(text);
            }
            Token::Quoted(text) | Token::Literal(text) => bounded(text),
            Token::ListStart | Token::KvListStart => {
                depth += 1;
                assert!(depth <= LIMITS.max_depth as usize);
            }
            Token::ListEnd => depth = depth.checked_sub(1).expect("lists balance"),
            Token::FileStart(file) => announced = Some(file.size as usize),
            Token::FileData(data) => assert_eq!(Some(data.len()), announced.take()),
            Token::FileEnd => {}
            Token::EndOfLine => {
                assert_eq!(depth, 0, "a line ends within a list");
                in_line = false;
            }
            Token::Bad(_) => (depth, in_line) = (0, false),
        }
    }
}

fn bounded(text: &Bytes) {
    assert!(text.len() <= LIMITS.max_string as usize);
}
