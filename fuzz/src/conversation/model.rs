//! What a command that is answered OK has done. No more is said here of when it is refused than that nobody is refused what
//! depends on nothing.

use super::{
    command::{Command, Record, Update, guid},
    world::{Mailbox, Message, World},
};
use sync_server::types::Guid;

/// Whether there is no reason to refuse this.
pub fn must_succeed(world: &World, command: &Command) -> bool {
    let is_there = |name: &str| world.mailboxes.contains_key(name);
    match command {
        Command::Message { .. } | Command::Reserve { .. } | Command::Force | Command::Restart => true,
        Command::Subscription { .. } | Command::Seen { .. } | Command::Unuser(_) => true,
        Command::Quota { .. } | Command::Unquota(_) => true,
        Command::Annotation { name, .. } => *name == "\"\"" || is_there(name),
        Command::Unmailbox(name) => is_there(name),
        Command::Rename { old, new, .. } => is_there(old) && (old == new || !is_there(new)),
        Command::Expunge { name, id, .. } => world.mailboxes.get(*name).is_some_and(|mailbox| mailbox.id == *id),
        Command::Script { user, .. } | Command::Deactivate(user) => is_there(&format!("user.{user}")),
        Command::Unscript { user, name } | Command::Activate { user, name } => {
            world.scripts.contains_key(&((*user).to_owned(), (*name).to_owned()))
        }
        Command::Get { item, .. } => ["USER", "MAILBOXES", "UNIQUEIDS"].contains(item),
        Command::Mailbox(_) | Command::Restore(_) | Command::Entry { .. } => false,
    }
}

/// What there is after a command that was answered OK. `seen` is what a client then reads: where the replica makes a number
/// up, it is taken from there.
pub fn after(mut world: World, command: &Command, seen: &World) -> World {
    let owned = |text: &str| text.to_owned();
    match command {
        Command::Message { .. } | Command::Reserve { .. } | Command::Force | Command::Restart => {}
        Command::Get { .. } => {}
        Command::Mailbox(update) => apply(&mut world, update),
        Command::Restore(update) => restore(&mut world, update, seen),
        Command::Entry { name, .. } | Command::Unmailbox(name) => drop(world.mailboxes.remove(*name)),
        Command::Expunge { name, uids, .. } => expunge(&mut world, name, uids),
        Command::Rename { old, new, partition, uidvalidity } => {
            // Folders can be renamed too, of which nothing is known here.
            if let Some(mut mailbox) = world.mailboxes.remove(*old) {
                mailbox.partition = owned(partition);
                if *uidvalidity != 0 {
                    mailbox.uidvalidity = uidvalidity.to_string();
                }
                world.mailboxes.insert(owned(new), mailbox);
            }
        }
        Command::Subscription { user, name, subscribed } => {
            let subscription = (owned(user), owned(name));
            world.subscriptions.retain(|known| *known != subscription);
            world.subscriptions.extend(subscribed.then_some(subscription));
        }
        Command::Seen { user, id, uids } => {
            world.seen.insert((owned(user), owned(id)), uids.replace('"', ""));
        }
        Command::Quota { root, limit } => drop(world.quotas.insert(owned(root), limit.to_string())),
        Command::Unquota(root) => drop(world.quotas.remove(*root)),
        Command::Annotation { name, value } => {
            let value = Some(owned(value)).filter(|value| !value.is_empty());
            match world.mailboxes.get_mut(*name) {
                Some(mailbox) => mailbox.comment = value,
                None => world.comment = value,
            }
        }
        Command::Script { user, name, content } => {
            world.scripts.insert((owned(user), owned(name)), Guid::of(content.as_bytes()).to_string());
        }
        Command::Unscript { user, name } => {
            world.scripts.remove(&(owned(user), owned(name)));
            world.active.retain(|of, active| (of.as_str(), active.as_str()) != (*user, *name));
        }
        Command::Activate { user, name } => drop(world.active.insert(owned(user), owned(name))),
        Command::Deactivate(user) => drop(world.active.remove(*user)),
        Command::Unuser(user) => remove_user(&mut world, user),
    }
    world
}

fn message(record: &Record) -> Message {
    Message { guid: guid(record.message), flags: record.flags.iter().map(|flag| (*flag).to_owned()).collect() }
}

/// The mailbox is what the master says, but for the records that it does not mention: these stay, if it is the same mailbox.
fn apply(world: &mut World, update: &Update) {
    let before = world.mailboxes.remove(update.name).filter(|before| before.id == update.id);
    let (last_uid, mut records, partition) = match before {
        Some(Mailbox { last_uid, records, partition, .. }) => (last_uid, records, partition),
        None => (0, Default::default(), update.partition.to_owned()),
    };
    for record in &update.records {
        let message = message(record);
        match records.get(&record.uid) {
            None if message.is_expunged() && record.uid <= last_uid => {}
            Some(known) if message.is_expunged() && known.is_expunged() => {}
            Some(known) => {
                assert!(!known.is_expunged(), "uid {} comes back", record.uid);
                assert_eq!(known.guid, message.guid, "uid {} becomes another message", record.uid);
                records.insert(record.uid, message);
            }
            None => {
                assert!(record.uid > last_uid, "uid {} is given again", record.uid);
                records.insert(record.uid, message);
            }
        }
    }
    let mailbox = Mailbox {
        id: update.id.to_owned(),
        partition,
        uidvalidity: update.uidvalidity.to_string(),
        last_uid: last_uid.max(update.last_uid),
        modseq: update.modseq.into(),
        comment: update.annotation.map(str::to_owned),
        records,
    };
    world.mailboxes.insert(update.name.to_owned(), mailbox);
}

/// A mailbox that is there gets more records, each with the next uid. A new one keeps the uids that it can.
fn restore(world: &mut World, update: &Update, seen: &World) {
    let is_new = !world.mailboxes.contains_key(update.name);
    let made = seen.mailboxes.get(update.name).expect("the mailbox that was restored");
    let mailbox = world.mailboxes.entry(update.name.to_owned()).or_insert_with(|| Mailbox {
        id: if update.identity { update.id.to_owned() } else { made.id.clone() },
        partition: update.partition.to_owned(),
        uidvalidity: if update.identity { update.uidvalidity.to_string() } else { made.uidvalidity.clone() },
        last_uid: 0,
        modseq: if update.identity { update.modseq.into() } else { 1 },
        comment: update.annotation.filter(|_| update.identity).map(str::to_owned),
        records: Default::default(),
    });
    let keeps_numbers = is_new && update.identity;
    for record in &update.records {
        let free = mailbox.last_uid + 1;
        mailbox.last_uid = if keeps_numbers { record.uid.max(free) } else { free };
        let keeps_modseq = keeps_numbers && u64::from(record.modseq) <= mailbox.modseq;
        mailbox.modseq += u64::from(!keeps_modseq);
        mailbox.records.insert(mailbox.last_uid, message(record));
    }
}

fn expunge(world: &mut World, name: &str, uids: &[u32]) {
    let mailbox = world.mailboxes.get_mut(name).expect("the mailbox that was expunged from");
    for uid in uids {
        if let Some(message) = mailbox.records.get_mut(uid) {
            message.flags.insert("\\Expunged".to_owned());
        }
    }
}

/// Nothing of the user's is left; what was seen, if there was an INBOX.
fn remove_user(world: &mut World, user: &str) {
    let inbox = format!("user.{user}");
    let below = format!("{inbox}.");
    let is_other = |name: &str| name != inbox && !name.starts_with(&below);
    if world.mailboxes.contains_key(&inbox) {
        world.seen.retain(|(of, _), _| of != user);
    }
    world.mailboxes.retain(|name, _| is_other(name));
    world.quotas.retain(|root, _| is_other(root));
    world.subscriptions.retain(|(of, _)| of != user);
    world.scripts.retain(|(of, _), _| of != user);
    world.active.remove(user);
}
