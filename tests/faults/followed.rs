//! The power is cut while a mailbox changes that others follow: by a sync log, and by a cache of its counts.

use crate::matrix::{
    case::cases,
    cuts::{images_of, ways},
    spool::{ROOT, connect_with, options},
    state::State,
};
use std::{path::PathBuf, sync::Arc};
use sync_server::store::cyrus::{
    disk::{Deadline, Disk, Durability, simulated::SimulatedDisk},
    options::CyrusOptions,
    table::ReadTable,
    twoskip::{Create, Twoskip},
};

fn followed() -> CyrusOptions {
    let status_cache = Some(PathBuf::from(format!("{ROOT}/conf/statuscache.db")));
    CyrusOptions { sync_log: vec![String::new()], status_cache, ..options() }
}

fn status_cache(disk: &SimulatedDisk) -> Twoskip {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Twoskip::open(&disk, &followed().status_cache.unwrap(), Create::Yes).unwrap().unwrap()
}

/// Whatever a power cut leaves: a change that is seen was logged, and counts from before it are not.
#[test]
fn no_power_cut_leaves_a_change_that_nobody_is_told_of() {
    let names = ["append one", "append six", "flag of one message", "access rights"];
    let cases: Vec<_> = cases().into_iter().filter(|case| names.contains(&case.command.name)).collect();
    assert_eq!(cases.len(), names.len());
    let (mut seen, mut unseen) = (0, 0);
    for case in &cases {
        let disk = case.disk.copied();
        let mut cache = status_cache(&disk);
        let mut writer = cache.write(Deadline::at(std::time::Instant::now())).unwrap();
        writer.store(b"user.u1%", b"counts").unwrap();
        writer.commit(Durability::Now).unwrap();
        disk.sync_file_system(ROOT.as_ref()).unwrap();
        for image in images_of(case, &disk, followed()).0 {
            for found in ways().map(|surviving| image.after_power_cut(surviving)) {
                let mut peer = connect_with(&found, followed());
                let state = State::ask(&mut peer);
                drop(peer.leave());
                if state.compare(&case.before, &case.after).after.is_empty() {
                    unseen += 1;
                    continue;
                }
                seen += 1;
                let log = found.contents().into_iter().find(|(path, _)| path.ends_with("conf/sync/log"));
                let log = String::from_utf8(log.unwrap().1.unwrap()).unwrap();
                assert!(log.contains("MAILBOX user.u1\n"), "{}: {log}", case.command.name);
                let mut cache = status_cache(&found);
                let left = cache.read(Deadline::at(std::time::Instant::now())).unwrap().all().unwrap();
                assert_eq!(left, [], "{}", case.command.name);
            }
        }
    }
    assert!(seen > 20 && unseen > 20, "{seen} {unseen}");
}
