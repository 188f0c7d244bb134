//! What a server answered, as lines of text in which nothing is left that only this server could have said.

use std::time::{SystemTime, UNIX_EPOCH};

use super::Conversation;

/// Said when the connection ended without the reply to EXIT.
pub const CLOSED: &str = "(closed)";

/// The answers to the commands, in order: the lines of each, the last of which is its OK, NO or BAD.
pub struct Answers(pub Vec<Vec<String>>);

impl Answers {
    /// Splits what was heard behind the greeting.
    pub fn of(heard: &[u8], conversation: &Conversation) -> Answers {
        let mask = Mask { conversation };
        let mut answers = vec![Vec::new()];
        let mut rest = heard;
        while let Some(length) = line_length(rest) {
            let (line, behind) = rest.split_at(length);
            rest = behind;
            let line = mask.line(line);
            let is_last = ["OK ", "NO ", "BAD "].iter().any(|word| line.starts_with(word));
            if let Some(answer) = answers.last_mut() {
                answer.push(line);
            }
            if is_last {
                answers.push(Vec::new());
            }
        }
        let finished = answers.iter().flatten().next_back().is_some_and(|line| line == "OK Finished");
        if let Some(answer) = answers.last_mut().filter(|_| !finished) {
            answer.push(CLOSED.to_string());
        }
        answers.retain(|answer| !answer.is_empty());
        Answers(answers)
    }
}

/// The length of the first line with its literals; `None` at the end.
fn line_length(heard: &[u8]) -> Option<usize> {
    let mut end = 0;
    loop {
        let Some(line) = heard[end..].split_inclusive(|&b| b == b'\n').next() else {
            return (end > 0).then_some(end);
        };
        end += line.len();
        match literal_length(line) {
            Some(length) => end = heard.len().min(end + length),
            None => return Some(end),
        }
    }
}

/// The length of the literal or file that a line ends by announcing.
fn literal_length(line: &[u8]) -> Option<usize> {
    let announced = line.strip_suffix(b"}\r\n")?;
    let digits = announced.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, number) = announced.split_at(announced.len() - digits);
    let opened = before.ends_with(b"{") || (before.ends_with(b" ") && before.contains(&b'{'));
    std::str::from_utf8(number).ok().filter(|_| opened)?.parse().ok()
}

/// What nobody told the server to say: its version, the time, and the unique ids it made up.
struct Mask<'a> {
    conversation: &'a Conversation,
}

impl Mask<'_> {
    fn line(&self, line: &[u8]) -> String {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line).escape_ascii().to_string();
        if let Some((_, version)) = text.split_once(" Cyrus sync server ") {
            return format!("* OK HOST Cyrus sync server {}", if version.is_empty() { "" } else { "VERSION" });
        }
        if !text.starts_with("* ") {
            return text.replace(&self.conversation.name, "{{user}}");
        }
        let mut before = "";
        let words: Vec<String> = text
            .split(' ')
            .map(|word| {
                let masked = self.word(before, word);
                before = word;
                masked
            })
            .collect();
        words.join(" ")
    }

    fn word(&self, before: &str, word: &str) -> String {
        let name = word.trim_end_matches(')');
        let said = || self.conversation.says(name);
        if before.ends_with("UNIQUEID") && !said() {
            return word.replacen(name, "ID", 1);
        }
        if is_now(name) && !said() {
            return word.replacen(name, "TIME", 1);
        }
        if self.conversation.ids.iter().any(|id| id == name) {
            return word.replacen(name, "{{id}}", 1);
        }
        word.replace(&self.conversation.name, "{{user}}")
    }
}

/// Whether a number is a time of today.
fn is_now(word: &str) -> bool {
    const DAY: u64 = 24 * 60 * 60;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    word.parse::<u64>().is_ok_and(|number| number.abs_diff(now) < DAY)
}
