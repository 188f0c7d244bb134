//! Mail for the tests: the same messages in every run, shaped like what people get.

const WORDS: [&str; 24] = [
    "replica", "mailbox", "message", "invoice", "meeting", "report", "please", "attached", "regards", "tomorrow",
    "update", "release", "server", "budget", "review", "notes", "draft", "thanks", "question", "answer", "schedule",
    "travel", "photo", "agenda",
];

/// The `n`-th message: plain, alternative or with an attachment, some in threads, some with encoded headers.
pub fn message(n: u64) -> Vec<u8> {
    let mut random = Random(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
    let size = 200 << random.below(8);
    sized(&mut random, n, size)
}

/// A message of at least `size` bytes.
pub fn large(n: u64, size: usize) -> Vec<u8> {
    sized(&mut Random(n + 1), n, size)
}

/// Messages that break the rules of MIME and still have to be stored as they are.
pub fn malformed() -> Vec<Vec<u8>> {
    let part = "--b\r\nContent-Type: text/plain\r\n\r\none\r\n";
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(40);
    let deep: String =
        (0..30).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let long = "x".repeat(3000);
    let many: String = (0..200).map(|n| format!("a{n}@example.com,\r\n ")).collect();
    [
        "Subject: no body at all\r\n".to_string(),
        "Subject: no final newline\r\n\r\nbody".to_string(),
        "\r\nno header at all\r\n".to_string(),
        "From: a\r\nFrom: b\r\nSubject: twice\r\nSubject: again\r\n\r\n\r\n".to_string(),
        "From: <a@b\r\nTo: ,,;:@@@<>\r\nCc: \"unclosed\r\nDate: not a date\r\n\r\nbody\r\n".to_string(),
        "From: group: a@example.com, b@example.com;\r\nTo: undisclosed-recipients:;\r\n\r\nbody\r\n".to_string(),
        "From: (comment (nested)) a@example.com\r\nTo: \"q\\\"uoted\" <@relay,@other:b@example.com>\r\n\r\n"
            .to_string(),
        "Subject: raw bytes é ü ☃\r\nFrom: Jürgen <j@example.com>\r\n\r\nbody\r\n".to_string(),
        "Subject: =?utf-8?B?not base64!?= =?x?Q?=ZZ?=\r\nMessage-ID: no brackets\r\nIn-Reply-To: <>\r\n\r\n"
            .to_string(),
        format!("Subject: {long}\r\nX-Long: {long}\r\n\r\n{long}\r\n"),
        format!("To: {many}last@example.com\r\nReferences: {}\r\n\r\nbody\r\n", "<r@example.com> ".repeat(100)),
        format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{part}"),
        "Content-Type: multipart/mixed\r\n\r\nno boundary parameter\r\n".to_string(),
        "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n----\r\n".to_string(),
        format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n{part}"),
        format!("Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n\r\n{part}--b--\r\n"),
        "Content-Type: text\r\nContent-Transfer-Encoding: quoted-unprintable\r\n\r\n=\r\n=Z\r\n".to_string(),
        "Content-Type: text/plain; charset=no-such; name*0*=utf-8''%E2%98; name*1=\"x\"; =; a=b=c\r\n\r\n\r\n"
            .to_string(),
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n".to_string(),
        "Content-Disposition: attachment; filename=\"a\r\n b\r\nContent-Language: en, de, ()\r\n\r\nbody\r\n"
            .to_string(),
        format!("Subject: nested\r\n{nested}Subject: innermost\r\n\r\nbody\r\n"),
        format!("Subject: deep\r\n{deep}end\r\n"),
        "Date: Thu, 31 Feb 2099 25:61:61 +9999\r\nSubject: \t \r\n \r\nX:\r\n\r\nbody\r\n".to_string(),
    ]
    .map(String::into_bytes)
    .to_vec()
}

fn sized(random: &mut Random, n: u64, size: usize) -> Vec<u8> {
    let mut text = headers(random, n);
    match random.below(3) {
        0 => text.push_str(&format!(
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}",
            prose(random, size)
        )),
        1 => text.push_str(&alternative(random, size)),
        _ => text.push_str(&attachment(random, size)),
    }
    text.into_bytes()
}

fn headers(random: &mut Random, n: u64) -> String {
    let (day, minute, host) = (1 + random.below(28), 10 + random.below(50), random.below(250));
    let (from, to, subject) = (random.word(), random.word(), random.words(5));
    let mut text = format!(
        "Received: from mx.example.net (mx.example.net [192.0.2.{host}])\r\n\tby mail.example.org with ESMTPS id {n:X};\r\n\t\
         Mon, {day} Jun 2026 10:{minute}:00 +0000\r\n\
         From: \"{from}, Sam\" <{from}{n}@example.com>\r\nTo: {to} <{to}@example.org>, list@lists.example.org\r\n\
         Date: Mon, {day} Jun 2026 12:{minute}:00 +0200\r\nMessage-ID: <{n}.{from}@example.com>\r\n"
    );
    match random.below(4) {
        0 => text.push_str("Subject: =?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=\r\n"),
        1 => text.push_str(&format!("Subject: Re: [list] {subject}\r\nReferences: <{}.a@example.com>\r\n", n / 2)),
        2 => text.push_str(&format!(
            "Subject: Fwd: {subject}\r\nIn-Reply-To: <{}.b@example.com>\r\nCc: {to}@example.net\r\n",
            n / 3
        )),
        _ => text.push_str(&format!("Subject: {subject}\r\n")),
    }
    text
}

fn alternative(random: &mut Random, size: usize) -> String {
    let (plain, html) = (prose(random, size / 3), prose(random, size * 2 / 3));
    format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=_alt\"\r\n\r\n\
         --=_alt\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{plain}\r\n\
         --=_alt\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         <html><body>{html}</body></html>\r\n--=_alt--\r\n"
    )
}

fn attachment(random: &mut Random, size: usize) -> String {
    let (cover, name) = (prose(random, 200), random.word());
    let encoded: String = (0..size / 78 + 1).map(|_| random.base64_line()).collect();
    format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"=_mix\"\r\n\r\npreamble\r\n\
         --=_mix\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{cover}\r\n\
         --=_mix\r\nContent-Type: application/pdf; name=\"{name}.pdf\"\r\n\
         Content-Disposition: attachment; filename=\"{name}.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         {encoded}--=_mix--\r\n"
    )
}

fn prose(random: &mut Random, size: usize) -> String {
    let mut text = String::new();
    while text.len() < size {
        text.push_str(&random.words(9));
        text.push_str(" Grüße\r\n");
    }
    text
}

/// SplitMix64: the same numbers from the same seed, everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len() as u64) as usize]
    }

    fn words(&mut self, count: usize) -> String {
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn base64_line(&mut self) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut line: String = (0..76).map(|_| char::from(ALPHABET[self.below(64) as usize])).collect();
        line.push_str("\r\n");
        line
    }
}
