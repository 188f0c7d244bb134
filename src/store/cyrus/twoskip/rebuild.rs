//! Writing a database anew, in order, beside the old file, and putting it in the old one's place.

use std::path::Path;

use super::{
    change::insert,
    commit::Stage,
    image::Image,
    level::Levels,
    search::{Pair, Place},
};
use crate::store::cyrus::{
    db_error::DbError,
    disk::{Disk, Lock, Mode, beside, remove_if_there},
};

/// The next key and value, ascending; `None` at the end.
pub type Pairs<'a> = &'a mut dyn FnMut() -> Result<Option<Pair>, DbError>;

/// Writes these records to `PATH.NEW` and renames it to `path`, whose exclusive lock the caller holds (`mycheckpoint`).
/// The new file is locked exclusively before it gets the name.
///
/// Whoever waits for the old file's lock finds another inode at `path` and opens that.
pub fn rebuild(
    disk: &dyn Disk,
    path: &Path,
    generation: u64,
    levels: &mut Levels,
    pairs: Pairs<'_>,
) -> Result<Image, DbError> {
    let new = beside(path);
    remove_if_there(disk, &new).map_err(|error| DbError::io(&new, error))?;
    let rebuilt = fill(disk, &new, generation, levels, pairs).and_then(|image| {
        disk.rename(&new, path).map_err(|error| DbError::io(&new, error))?;
        Ok(image)
    });
    let mut image = match rebuilt {
        Ok(image) => image,
        Err(error) => {
            // The old file is still good; the new one is removed by the next repack if it cannot be now.
            remove_if_there(disk, &new).ok();
            return Err(error);
        }
    };
    image.renamed(path);
    disk.sync_dir(path.parent().unwrap_or(path)).map_err(|error| image.io(error))?;
    Ok(image)
}

fn fill(disk: &dyn Disk, new: &Path, generation: u64, levels: &mut Levels, pairs: Pairs<'_>) -> Result<Image, DbError> {
    let file = disk.open(new, Mode::CreateNew).map_err(|error| DbError::io(new, error))?;
    if !file.try_lock(Lock::Exclusive).map_err(|error| DbError::io(new, error))? {
        return Err(DbError::Locked { path: new.to_owned() });
    }
    let mut image = Image::new(new, file);
    image.initialise()?;
    let mut place = Place::EMPTY;
    while let Some((key, value)) = pairs()? {
        let level = levels.next();
        let record = insert(&mut image, &place, level, &key, &value)?;
        for back in place.back.iter_mut().take(level.into()) {
            *back = record.offset;
        }
        image.bound_pending()?;
    }
    image.header.repack_size = image.end;
    image.header.generation = generation;
    if image.is_changed() {
        Stage::default().finish(&mut image)?;
    } else {
        image.write_header()?;
    }
    image.sync()?;
    Ok(image)
}
