//! Messages as people send them: headers, then plain text, two alternatives, or text and an attachment in base64.

use std::fmt::Write;

const WORDS: [&str; 24] = [
    "meeting", "tomorrow", "please", "review", "attached", "invoice", "schedule", "budget", "release", "server",
    "queue", "message", "replica", "travel", "photo", "thanks", "regards", "update", "question", "answer", "draft",
    "notes", "report", "index",
];

/// Random numbers that are the same in every run (splitmix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

/// A message of about so many bytes; the number tells it from all others.
pub fn message(number: u64, size: usize) -> Vec<u8> {
    let mut random = Random::new(number);
    let mut text = headers(&mut random, number);
    let left = size.saturating_sub(text.len());
    match number % 10 {
        0..4 => plain(&mut random, &mut text, left),
        4..7 => alternative(&mut random, &mut text, left),
        _ => attachment(&mut random, &mut text, left),
    }
    text.into_bytes()
}

/// A size as in people's mailboxes, scaled so that it is about `mean` on average: many small, few large.
pub fn size(random: &mut Random, mean: usize) -> usize {
    const OF_MEAN: [usize; 8] = [8, 10, 15, 20, 40, 80, 160, 467];
    OF_MEAN[random.below(OF_MEAN.len())] * mean / 100
}

fn headers(random: &mut Random, number: u64) -> String {
    let (from, subject) = (random.word(), [random.word(), random.word(), random.word(), random.word()].join(" "));
    let (day, hour, id) = (1 + random.below(28), random.below(24), random.next());
    let before = number.saturating_sub(1);
    format!(
        "Received: from mx{}.example.net (mx.example.net [192.0.2.{}])\r\n\
         \tby mail.example.org (Postfix) with ESMTPS id {id:X}\r\n\
         \tfor <u1@example.org>; Mon, {day} Jun 2026 {hour:02}:23:00 +0000\r\n\
         From: \"{from}, {}\" <{from}{number}@example.com>\r\n\
         To: User One <u1@example.org>, {}@example.net, list-{}@lists.example.org\r\n\
         Subject: {subject}\r\nDate: Mon, {day} Jun 2026 {hour:02}:22:58 +0200\r\n\
         Message-ID: <{number}.{id:x}@example.com>\r\nReferences: <{before}.ref@example.com>\r\n\
         In-Reply-To: <{before}.ref@example.com>\r\nMIME-Version: 1.0\r\n",
        random.below(9),
        random.below(255),
        random.word(),
        random.word(),
        random.word(),
    )
}

fn plain(random: &mut Random, text: &mut String, size: usize) {
    text.push_str("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    words(random, text, size);
}

fn alternative(random: &mut Random, text: &mut String, size: usize) {
    text.push_str("Content-Type: multipart/alternative; boundary=\"=_b1\"\r\n\r\n");
    text.push_str("--=_b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    words(random, text, size / 3);
    text.push_str("\r\n--=_b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>\r\n");
    words(random, text, size * 2 / 3);
    text.push_str("</body></html>\r\n--=_b1--\r\n");
}

fn attachment(random: &mut Random, text: &mut String, size: usize) {
    text.push_str("Content-Type: multipart/mixed; boundary=\"=_b2\"\r\n\r\n");
    text.push_str("--=_b2\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
    words(random, text, 400.min(size / 2));
    let name = random.word();
    write!(
        text,
        "\r\n--=_b2\r\nContent-Type: application/pdf; name=\"{name}.pdf\"\r\n\
         Content-Disposition: attachment; filename=\"{name}.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    .unwrap_or_default();
    base64(random, text, size.saturating_sub(600));
    text.push_str("--=_b2--\r\n");
}

fn words(random: &mut Random, text: &mut String, size: usize) {
    let end = text.len() + size;
    while text.len() < end {
        for _ in 0..9 {
            text.push_str(random.word());
            text.push(' ');
        }
        text.push_str("über\r\n");
    }
}

fn base64(random: &mut Random, text: &mut String, size: usize) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for _ in 0..size / 78 {
        for _ in 0..19 {
            let bits = random.next();
            (0..4).for_each(|digit| text.push(char::from(DIGITS[(bits >> (6 * digit) & 63) as usize])));
        }
        text.push_str("\r\n");
    }
}
