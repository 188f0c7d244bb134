//! Who somebody who has logged in is to Cyrus.
//!
//! Source: `mysasl_canon_user`, `mysasl_proxy_policy` and `global_authisa` of `imap/global.c`, `lib/auth_unix.c`.

use nix::unistd::{Group, User};
use sync_server::config::{ImapdConf, options};

/// Longer names are nobody's.
const LONGEST: usize = 80;

/// The name that a user has in Cyrus; `None` if nobody can have this one.
pub fn canonical(conf: &ImapdConf, name: &str) -> Option<String> {
    let mut name = name.to_owned();
    let domains = conf.value(&options::VIRTDOMAINS) != "off";
    if domains && let Some(at) = name.rfind(['@', '%']) {
        name.replace_range(at..=at, "@");
        let default = conf.value(&options::DEFAULTDOMAIN).unwrap_or_default();
        if name.get(at + 1..).is_some_and(|domain| domain.eq_ignore_ascii_case(&default)) {
            name.truncate(at);
        }
    }
    if conf.value(&options::USERNAME_TOLOWER) {
        name.make_ascii_lowercase();
    }
    let realms = conf.value(&options::LOGINREALMS).unwrap_or_default();
    if (!domains || !realms.trim().is_empty())
        && let Some((_, realm)) = name.split_once('@')
        && !realms.split_ascii_whitespace().any(|known| known.eq_ignore_ascii_case(realm))
    {
        return None;
    }
    let is_bad = |char: char| !char.is_ascii() || char.is_ascii_control() || "%&*/:?".contains(char);
    let is_name = !name.is_empty() && name.len() <= LONGEST && !name.contains(is_bad);
    is_name.then_some(name)
}

/// Whether `admins` has this user.
pub fn is_admin(conf: &ImapdConf, name: &str) -> bool {
    let groups = conf.value(&options::UNIX_GROUP_ENABLE);
    let admins = conf.value(&options::ADMINS).unwrap_or_default();
    admins.split_ascii_whitespace().any(|admin| match admin.strip_prefix("group:") {
        Some(group) => groups && is_member(name, group),
        None => admin == name || admin == "anyone",
    })
}

fn is_member(name: &str, group: &str) -> bool {
    let Ok(Some(group)) = Group::from_name(group) else { return false };
    let is_own = || matches!(User::from_name(name), Ok(Some(user)) if user.gid == group.gid);
    group.mem.iter().any(|member| member == name) || is_own()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn conf(lines: &str) -> ImapdConf {
        let path = std::env::temp_dir().join(format!("sync_server-users-{}-{}", std::process::id(), lines.len()));
        fs::write(&path, format!("configdirectory: /c\n{lines}")).unwrap();
        let conf = ImapdConf::read(&path, "syncserver");
        fs::remove_file(&path).unwrap();
        conf.unwrap()
    }

    #[test]
    fn names_are_those_that_cyrus_knows() {
        let name = |lines: &str, user: &str| canonical(&conf(lines), user);
        assert_eq!(name("", "Cyrus").as_deref(), Some("cyrus"));
        assert_eq!(name("username_tolower: no\n", "Cyrus").as_deref(), Some("Cyrus"));
        for bad in ["", "a/b", "a*", "a:b", "a\n", "j\u{e4}ne", "group:mail", &"x".repeat(81), "a@elsewhere"] {
            assert_eq!(name("", bad), None, "{bad}");
        }
        assert_eq!(name("loginrealms: a.org b.org\n", "u@B.org").as_deref(), Some("u@b.org"));
        assert_eq!(name("loginrealms: a.org b.org\n", "u@c.org"), None);
        let domains = "virtdomains: userid\ndefaultdomain: example.org\n";
        assert_eq!(name(domains, "u%Example.org").as_deref(), Some("u"));
        assert_eq!(name(domains, "u@other.org").as_deref(), Some("u@other.org"));
    }

    #[test]
    fn administrators_are_named_or_in_a_group() {
        let admin = |lines: &str, user: &str| is_admin(&conf(lines), user);
        assert!(!admin("", "cyrus") && !admin("admins: cyrus2\n", "cyrus"));
        assert!(admin("admins: jane cyrus\n", "cyrus") && admin("admins: anyone\n", "u"));
        assert!(admin("admins: group:root\n", "root") && !admin("admins: group:root\n", "nobody"));
        assert!(!admin("admins: group:root\nunix_group_enable: no\n", "root"));
    }
}
