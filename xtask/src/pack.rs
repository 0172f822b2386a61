//! The npm tarball, exactly as it would be published.

use std::{fs, path::PathBuf};

use crate::{
    build, paths, setup,
    shell::{self, Failure, Outcome},
};

/// Builds, packs into the folder (default: `target/npm`), prints the tarball's path.
pub(crate) fn run(folder: Option<&str>) -> Outcome {
    setup::run(false)?;
    build::web()?;
    let tarball = tarball(&folder.map_or_else(|| paths::target().join("npm"), paths::of_user))?;
    println!("{}", tarball.display());
    Ok(())
}

/// Packs what is in `dist/`.
pub(crate) fn tarball(folder: &std::path::Path) -> Outcome<PathBuf> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::failed(format!("cannot create {}: {error}", folder.display())))?;
    let mut pack = shell::command(if cfg!(windows) { "npm.cmd" } else { "npm" });
    // `--ignore-scripts`: everything is built already, and a script would build it again.
    pack.args(["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination"]).arg(folder);
    let printed = shell::output(&mut pack).ok_or_else(|| Failure::failed("`npm pack` failed"))?;
    let name = printed.lines().last().unwrap_or_default();
    let tarball = folder.join(name);
    if name.is_empty() || !tarball.is_file() {
        return Err(Failure::failed(format!("`npm pack` named no tarball: {printed}")));
    }
    Ok(tarball)
}
