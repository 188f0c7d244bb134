use super::*;
use crate::store::cyrus::disk::{Durability, Lock, replace_file};

fn disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    disk.create_dir_all("/a/b".as_ref()).unwrap();
    disk.create_dir_all("/c".as_ref()).unwrap();
    disk.sync_file_system("/".as_ref()).unwrap();
    disk
}

fn write(disk: &SimulatedDisk, path: &str, bytes: &[u8]) -> Box<dyn DiskFile> {
    let file = disk.open(path.as_ref(), Mode::Create).unwrap();
    file.write_at(0, &[bytes]).unwrap();
    file
}

fn read(disk: &SimulatedDisk, path: &str) -> Option<Vec<u8>> {
    disk.contents().into_iter().find(|(found, _)| found == Path::new(path)).and_then(|(_, bytes)| bytes)
}

/// The disks that 64 power cuts leave by chance.
fn by_chance(disk: &SimulatedDisk) -> impl Iterator<Item = SimulatedDisk> {
    (0..64).map(|seed| disk.after_power_cut(Surviving::Some(seed)))
}

#[test]
fn what_was_not_made_durable_may_be_gone() {
    let disk = disk();
    write(&disk, "/a/f", b"one").sync().unwrap();
    assert_eq!(read(&disk, "/a/f").unwrap(), b"one");
    assert_eq!(read(&disk.after_power_cut(Surviving::Nothing), "/a/f"), None, "a synced file has no durable name");
    assert_eq!(read(&disk.after_power_cut(Surviving::Everything), "/a/f").unwrap(), b"one");
    disk.sync_dir("/a".as_ref()).unwrap();
    assert_eq!(read(&disk.after_power_cut(Surviving::Nothing), "/a/f").unwrap(), b"one");
}

#[test]
fn sectors_are_kept_or_lost_each_on_its_own() {
    let disk = disk();
    let file = write(&disk, "/a/f", &[1; 1024]);
    disk.sync_file_system("/".as_ref()).unwrap();
    file.write_at(256, &[&[2; 512]]).unwrap();
    let mut seen: Vec<Vec<u8>> = by_chance(&disk).map(|disk| read(&disk, "/a/f").unwrap()).collect();
    seen.sort();
    seen.dedup();
    let image = |first, second| [&[1; 256][..], &[first; 256], &[second; 256], &[1; 256]].concat();
    assert_eq!(seen, [image(1, 1), image(1, 2), image(2, 1), image(2, 2)]);
}

#[test]
fn a_rename_is_done_or_not_done() {
    let disk = disk();
    write(&disk, "/a/f", b"one");
    disk.sync_file_system("/".as_ref()).unwrap();
    disk.rename("/a/f".as_ref(), "/c/g".as_ref()).unwrap();
    let (mut old, mut new) = (0, 0);
    for disk in by_chance(&disk) {
        match (read(&disk, "/a/f"), read(&disk, "/c/g")) {
            (Some(_), None) => old += 1,
            (None, Some(_)) => new += 1,
            both => panic!("{both:?}"),
        }
    }
    assert!(old > 0 && new > 0);
    disk.sync_dir("/c".as_ref()).unwrap();
    let after = disk.after_power_cut(Surviving::Nothing);
    assert_eq!((read(&after, "/a/f"), read(&after, "/c/g").as_deref()), (None, Some(&b"one"[..])));
}

#[test]
fn names_of_one_directory_are_changed_in_their_order() {
    let disk = disk();
    for name in ["1", "2", "3"] {
        write(&disk, &format!("/a/{name}"), b"");
    }
    for disk in by_chance(&disk) {
        let names = disk.read_dir("/a".as_ref()).unwrap();
        let names: Vec<&str> = names.iter().filter_map(|name| name.to_str()).filter(|name| *name != "b").collect();
        assert!(["1", "2", "3"].starts_with(&names), "{names:?}");
    }
}

#[test]
fn a_replaced_file_is_the_old_one_or_the_new_one() {
    let disk = disk();
    replace_file(&disk, "/a/f".as_ref(), &[b"old"], Durability::Now).unwrap();
    replace_file(&disk, "/a/f".as_ref(), &[b"new"], Durability::Caller).unwrap();
    for after in by_chance(&disk) {
        let bytes = read(&after, "/a/f").unwrap();
        assert!(bytes == b"old" || bytes == b"new", "{bytes:?}");
    }
}

#[test]
fn a_call_that_fails_changes_nothing_but_whole_sectors() {
    let disk = disk();
    let file = write(&disk, "/a/f", &[1; 600]);
    let failure = Failure { call: 1, only_changes: false, errno: 28, for_good: false };
    disk.fail(Some(failure));
    file.write_at(0, &[&[2; 10]]).unwrap();
    assert_eq!(file.write_at(500, &[&[3; 100]]).unwrap_err().raw_os_error(), Some(28));
    file.write_at(20, &[&[4; 10]]).unwrap();
    assert_eq!(disk.counts().calls, 3);
    let bytes = read(&disk, "/a/f").unwrap();
    assert_eq!((bytes[0], bytes[20], bytes[511], bytes[512]), (2, 4, 3, 1));
    disk.fail(Some(Failure { for_good: true, ..failure }));
    assert!(file.sync().is_ok() && file.sync().is_err() && file.sync().is_err());
}

#[test]
fn calls_that_change_nothing_need_not_count() {
    let disk = disk();
    let file = write(&disk, "/a/f", b"one");
    disk.fail(Some(Failure { call: 1, only_changes: true, errno: 5, for_good: true }));
    assert!(disk.read_dir("/a".as_ref()).is_ok() && file.read_at(0, &mut [0; 4]).is_ok());
    assert!(disk.unlink("/a/f".as_ref()).is_ok() && disk.sync_dir("/a".as_ref()).is_err());
    assert!(disk.open("/a/g".as_ref(), Mode::Create).is_err() && file.sync().is_err());
    assert!(disk.metadata("/c".as_ref()).is_ok());
    assert_eq!(disk.counts(), Counts { calls: 7, changes: 4, reads: 1 });
}

#[test]
fn locks_exclude_other_open_files_and_end_with_them() {
    let disk = disk();
    let open = || disk.open("/a/f".as_ref(), Mode::Create).unwrap();
    let (one, two) = (open(), open());
    assert!(one.try_lock(Lock::Shared).unwrap() && two.try_lock(Lock::Shared).unwrap());
    assert!(!one.try_lock(Lock::Exclusive).unwrap());
    drop(two);
    assert!(one.try_lock(Lock::Exclusive).unwrap() && !open().try_lock(Lock::Shared).unwrap());
    one.unlock().unwrap();
    assert!(open().try_lock(Lock::Exclusive).unwrap());
}

#[test]
fn directories_hold_what_has_their_path() {
    let disk = disk();
    write(&disk, "/a/b/f", b"");
    assert_eq!(disk.open("/x/f".as_ref(), Mode::Create).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.remove_dir("/a".as_ref()).unwrap_err().kind(), ErrorKind::DirectoryNotEmpty);
    disk.link("/a/b/f".as_ref(), "/a/g".as_ref()).unwrap();
    assert_eq!(disk.link("/a/b/f".as_ref(), "/a/g".as_ref()).unwrap_err().kind(), ErrorKind::AlreadyExists);
    let inode = |path: &str| disk.metadata(path.as_ref()).unwrap().inode;
    assert_eq!(inode("/a/g"), inode("/a/b/f"));
    disk.unlink("/a/b/f".as_ref()).unwrap();
    disk.remove_dir("/a/b".as_ref()).unwrap();
    assert_eq!(disk.read_dir("/a".as_ref()).unwrap(), ["g"]);
    disk.symlink("g", "/a/l".as_ref()).unwrap();
    assert_eq!(disk.read_link("/a/l".as_ref()).unwrap(), "g");
}

#[test]
fn the_disk_before_each_change_is_kept() {
    let disk = disk();
    let file = write(&disk, "/a/f", b"one");
    disk.keep_images();
    file.write_at(0, &[b"two"]).unwrap();
    file.read_at(0, &mut [0; 4]).unwrap();
    file.sync().unwrap();
    let images = disk.take_images();
    let found: Vec<_> = images.iter().map(|image| read(image, "/a/f").unwrap()).collect();
    assert_eq!(found, [b"one", b"two"]);
    let lost = read(&images[1].after_power_cut(Surviving::Nothing), "/a/f");
    assert_eq!(lost, None);
    disk.unlink("/a/f".as_ref()).unwrap();
    assert_eq!(disk.take_images().len(), 0);
}

#[test]
fn a_file_without_a_name_is_gone_after_a_power_cut_unless_its_name_survives() {
    let disk = disk();
    let file = disk.open_unnamed("/a".as_ref()).unwrap();
    file.write_at(0, &[b"one"]).unwrap();
    disk.sync_file_system("/".as_ref()).unwrap();
    assert_eq!(disk.read_dir("/a".as_ref()).unwrap(), ["b"]);
    file.link("/a/f".as_ref()).unwrap();
    assert_eq!(file.link("/a/f".as_ref()).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(read(&disk.after_power_cut(Surviving::Nothing), "/a/f"), None);
    assert_eq!(read(&disk.after_power_cut(Surviving::Everything), "/a/f").unwrap(), b"one");
    file.link("/c/g".as_ref()).unwrap();
    disk.unlink("/a/f".as_ref()).unwrap();
    file.set_modified(5).unwrap();
    assert_eq!(disk.metadata("/c/g".as_ref()).unwrap().modified, 5);
    disk.unlink("/c/g".as_ref()).unwrap();
    assert_eq!(file.link("/a/f".as_ref()).unwrap_err().kind(), ErrorKind::NotFound);
}
