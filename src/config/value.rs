//! How the values of options are written, one type for each of lib/imapoptions.

/// What an option takes instead, for an error.
pub type Expected = String;

/// An option of the table: its name, its type and its default.
pub trait Setting {
    /// What it is worth to the program.
    type Value;
    /// Its name in `imapd.conf`.
    fn name(&self) -> &'static str;
    /// Reads a value.
    ///
    /// # Errors
    /// What the option takes, if this is not such a value.
    fn parse(&self, text: &str) -> Result<Self::Value, Expected>;
    /// Its value if it is not given.
    fn default(&self) -> Self::Value;
    /// What is replaced in its values.
    fn substitution(&self) -> Substitution {
        Substitution::None
    }
}

/// What is replaced in an option's values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Substitution {
    /// Nothing.
    None,
    /// A leading `{configdirectory}`.
    ConfigDirectory,
}

/// A setting of any type, as the reader of the file sees it.
pub trait Known: Sync {
    /// Its name in `imapd.conf`.
    fn name(&self) -> &'static str;
    /// Whether it can have this value.
    ///
    /// # Errors
    /// What the option takes.
    fn check(&self, text: &str) -> Result<(), Expected>;
    /// What is replaced in its values.
    fn substitution(&self) -> Substitution;
}

impl<S: Setting + Sync> Known for S {
    fn name(&self) -> &'static str {
        Setting::name(self)
    }
    fn check(&self, text: &str) -> Result<(), Expected> {
        self.parse(text).map(drop)
    }
    fn substitution(&self) -> Substitution {
        Setting::substitution(self)
    }
}

/// `STRING`: anything.
#[derive(Debug)]
pub struct Text {
    /// Its name.
    pub name: &'static str,
    /// Its value if it is not given.
    pub default: Option<&'static str>,
}

impl Setting for Text {
    type Value = Option<String>;
    fn name(&self) -> &'static str {
        self.name
    }
    fn parse(&self, text: &str) -> Result<Option<String>, Expected> {
        Ok(Some(text.to_owned()))
    }
    fn default(&self) -> Option<String> {
        self.default.map(str::to_owned)
    }
    fn substitution(&self) -> Substitution {
        Substitution::ConfigDirectory
    }
}

/// `SWITCH`: on or off.
#[derive(Debug)]
pub struct Switch {
    /// Its name.
    pub name: &'static str,
    /// Its value if it is not given.
    pub default: bool,
}

impl Setting for Switch {
    type Value = bool;
    fn name(&self) -> &'static str {
        self.name
    }
    /// As `config_parse_switch`: the first letters decide, and only in lower case.
    fn parse(&self, text: &str) -> Result<bool, Expected> {
        let begins = |starts: [&str; 4]| starts.iter().any(|start| text.starts_with(start));
        match () {
            () if begins(["0", "n", "of", "f"]) => Ok(false),
            () if begins(["1", "y", "on", "t"]) => Ok(true),
            () => Err("on or off".into()),
        }
    }
    fn default(&self) -> bool {
        self.default
    }
}

/// `INT`: a number, in C's notation: `0x` begins a hexadecimal, 0 an octal one.
#[derive(Debug)]
pub struct Number {
    /// Its name.
    pub name: &'static str,
    /// Its value if it is not given.
    pub default: i64,
}

impl Setting for Number {
    type Value = i64;
    fn name(&self) -> &'static str {
        self.name
    }
    fn parse(&self, text: &str) -> Result<i64, Expected> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
        let (digits, radix) = match (hexadecimal, digits.strip_prefix('0')) {
            (Some(digits), _) => (digits, 16),
            (None, Some(octal)) if !octal.is_empty() => (octal, 8),
            _ => (digits, 10),
        };
        let whole = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let number = i64::from_str_radix(digits, radix).ok().filter(|_| whole);
        number.map(|number| if negative { -number } else { number }).ok_or_else(|| "a whole number".into())
    }
    fn default(&self) -> i64 {
        self.default
    }
}

/// `ENUM` and `STRINGLIST`: one word of a list.
#[derive(Debug)]
pub struct Choice {
    /// Its name.
    pub name: &'static str,
    /// Its value if it is not given.
    pub default: &'static str,
    /// What it can be. With `on` or `off` among them, the other words for these are taken too.
    pub values: &'static [&'static str],
}

impl Setting for Choice {
    type Value = &'static str;
    fn name(&self) -> &'static str {
        self.name
    }
    fn parse(&self, text: &str) -> Result<&'static str, Expected> {
        let word = match text {
            "1" | "yes" | "t" | "true" => "on",
            "0" | "no" | "f" | "false" => "off",
            other => other,
        };
        let listed = self.values.iter().find(|value| **value == word);
        listed.copied().ok_or_else(|| format!("one of: {}", self.values.join(", ")))
    }
    fn default(&self) -> &'static str {
        self.default
    }
}

/// `BITFIELD`: words of a list, with white space between them.
#[derive(Debug)]
pub struct Words {
    /// Its name.
    pub name: &'static str,
    /// What can be in it.
    pub values: &'static [&'static str],
}

impl Setting for Words {
    type Value = Vec<&'static str>;
    fn name(&self) -> &'static str {
        self.name
    }
    fn parse(&self, text: &str) -> Result<Vec<&'static str>, Expected> {
        let listed = |word: &str| self.values.iter().find(|value| **value == word).copied();
        let words: Option<Vec<_>> = text.split_ascii_whitespace().map(listed).collect();
        words.ok_or_else(|| format!("words out of: {}", self.values.join(", ")))
    }
    fn default(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// `DURATION`: numbers with `d`, `h`, `m` or `s` behind them, added up. Worth seconds.
#[derive(Debug)]
pub struct Seconds {
    /// Its name.
    pub name: &'static str,
    /// Its value if it is not given, in seconds.
    pub default: i32,
    /// The unit of a number that has none, as the caller of `config_getduration` chooses it.
    pub unit: char,
}

impl Setting for Seconds {
    type Value = i32;
    fn name(&self) -> &'static str {
        self.name
    }
    fn parse(&self, text: &str) -> Result<i32, Expected> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let seconds = sum_durations(digits, self.unit).map(|seconds| sign * seconds);
        seconds.ok_or_else(|| "a duration such as 90, 30m or 1d12h".into())
    }
    fn default(&self) -> i32 {
        self.default
    }
}

/// `config_parseduration` behind the sign: none where it fails, which includes more seconds than an `int` holds.
fn sum_durations(text: &str, unit: char) -> Option<i32> {
    let with_unit = if text.ends_with(|last: char| last.is_ascii_digit()) { Some(unit) } else { None };
    let mut total = 0_i32;
    let mut number = None;
    for character in text.chars().chain(with_unit) {
        if let Some(digit) = character.to_digit(10) {
            number = Some(number.unwrap_or(0_i32).checked_mul(10)?.checked_add_unsigned(digit)?);
            continue;
        }
        let seconds = match character {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(seconds)?)?;
    }
    (!text.is_empty()).then_some(total)
}

/// `BYTESIZE`: a number with `K`, `M` or `G` behind it, in powers of 1024. Worth bytes.
#[derive(Debug)]
pub struct Bytes {
    /// Its name.
    pub name: &'static str,
    /// Its value if it is not given, in bytes.
    pub default: i64,
    /// Bytes for which one of a number without a unit stands.
    pub unit: i64,
}

impl Setting for Bytes {
    type Value = i64;
    fn name(&self) -> &'static str {
        self.name
    }
    /// As `config_parsebytesize`.
    fn parse(&self, text: &str) -> Result<i64, Expected> {
        let expected = || Expected::from("a size such as 4096, 64K or 1 MiB");
        let end = text.rfind(|character: char| character.is_ascii_digit()).ok_or_else(expected)? + 1;
        let (number, unit) = text.split_at_checked(end).ok_or_else(expected)?;
        let factor: i64 = match unit.trim_start().to_ascii_lowercase().as_str() {
            "" => self.unit,
            "b" => 1,
            "k" | "kb" | "ki" | "kib" => 1 << 10,
            "m" | "mb" | "mi" | "mib" => 1 << 20,
            "g" | "gb" | "gi" | "gib" => 1 << 30,
            _ => return Err(expected()),
        };
        number.parse().ok().and_then(|number: i64| number.checked_mul(factor)).ok_or_else(expected)
    }
    fn default(&self) -> i64 {
        self.default
    }
}
