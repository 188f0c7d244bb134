//! User flags: the names a command uses, and the places they have in the mailbox (`mailbox_user_flag`).

use crate::types::{FlagName, MAX_USER_FLAGS, UserFlags};

/// Where each user flag of a command has its place in the mailbox.
#[derive(Debug)]
pub struct FlagPlaces {
    /// Names by place in the mailbox, the new ones included.
    names: Vec<Option<FlagName>>,
    /// Names without a place before, in the order in which they got one.
    added: Vec<FlagName>,
    /// Places in the mailbox by place in the command.
    places: Vec<usize>,
}

/// The mailbox has no free place for this flag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exhausted(pub FlagName);

impl FlagPlaces {
    /// Gives every flag that the command's records use a place: the one it has, or else the first that is free. The flags
    /// that the mailbox has on the master get one too, as long as there are free ones.
    ///
    /// # Errors
    /// [`Exhausted`] where a record uses a flag that finds no place.
    pub fn assign(
        mailbox: &[Option<FlagName>],
        used: &[FlagName],
        on_master: &[FlagName],
    ) -> Result<FlagPlaces, Exhausted> {
        let mut assigned =
            FlagPlaces { names: mailbox.to_vec(), added: Vec::new(), places: Vec::with_capacity(used.len()) };
        for name in used {
            let place = assigned.place(name).ok_or_else(|| Exhausted(name.clone()))?;
            assigned.places.push(place);
        }
        for name in on_master {
            assigned.place(name);
        }
        Ok(assigned)
    }

    fn place(&mut self, name: &FlagName) -> Option<usize> {
        let known = self.names.iter().position(|known| known.as_ref().is_some_and(|known| known.same_flag(name)));
        if known.is_some() {
            return known;
        }
        let free = self.names.iter().position(Option::is_none).unwrap_or(self.names.len());
        if free >= MAX_USER_FLAGS {
            return None;
        }
        if free == self.names.len() {
            self.names.push(None);
        }
        *self.names.get_mut(free)? = Some(name.clone());
        self.added.push(name.clone());
        Some(free)
    }

    /// The flags by their places in the mailbox, from flags by their places in the command.
    pub fn translate(&self, flags: UserFlags) -> UserFlags {
        let mut translated = UserFlags::default();
        for (from, to) in self.places.iter().enumerate() {
            let set = flags.get(from / 32).map_or(0, |word| word >> (from % 32) & 1);
            if let Some(word) = translated.get_mut(to / 32) {
                *word |= set << (to % 32);
            }
        }
        translated
    }

    /// Names by place, after the change.
    pub fn names(&self) -> &[Option<FlagName>] {
        &self.names
    }

    /// The names that have a place only now, in the order in which they got it.
    pub fn into_added(self) -> Vec<FlagName> {
        self.added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<FlagName> {
        names.iter().map(|name| FlagName::parse(name.as_bytes()).unwrap()).collect()
    }

    #[test]
    fn flags_keep_their_place_and_new_ones_fill_the_first_gap() {
        let mailbox = [Some(names(&["$Work"])[0].clone()), None, Some(names(&["Todo"])[0].clone())];
        let places =
            FlagPlaces::assign(&mailbox, &names(&["todo", "New", "Last"]), &names(&["$work", "Idle"])).unwrap();
        assert_eq!(places.translate([0b111, 0, 0, 0]), [0b1110, 0, 0, 0]);
        assert_eq!(places.translate([0b001, 0, 0, 0]), [0b0100, 0, 0, 0]);
        assert_eq!(places.into_added(), names(&["New", "Last", "Idle"]));
    }

    #[test]
    fn a_flag_beyond_the_last_place_is_refused_only_if_a_record_uses_it() {
        let full: Vec<_> =
            (0..MAX_USER_FLAGS).map(|n| Some(FlagName::parse(format!("f{n}").as_bytes()).unwrap())).collect();
        assert_eq!(FlagPlaces::assign(&full, &names(&["more"]), &[]).unwrap_err().0.as_str(), "more");
        let places = FlagPlaces::assign(&full, &names(&["F127"]), &names(&["more"])).unwrap();
        assert_eq!(places.translate([1, 0, 0, 0]), [0, 0, 0, 1 << 31]);
        assert_eq!(places.into_added(), []);
    }
}
