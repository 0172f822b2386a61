//! Checks what is needed and installs what is missing: targets and components of Rust, pinned tools, npm packages, and
//! for tests a browser. What cannot be installed for the user is named in one line, with the command that does it.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    paths,
    shell::{self, Failure, Outcome},
};

/// Works with `wasm-bindgen-test-runner` of the locked wasm-bindgen; a newer one may ask for newer test crates.
const WASM_PACK_VERSION: &str = "0.15.1";

/// The target that the browser runs.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// A target without an operating system: what builds there needs none.
pub(crate) const BARE_METAL_TARGET: &str = "thumbv7em-none-eabi";

/// Everything that a build needs; with `browser`, everything that tests need.
pub(crate) fn run(browser: bool) -> Outcome {
    target(WASM_TARGET)?;
    wasm_bindgen()?;
    npm_packages()?;
    if browser {
        target(BARE_METAL_TARGET)?;
        component("rustfmt", "fmt")?;
        component("clippy", "clippy")?;
        wasm_pack()?;
        chromium()?;
        chromedriver()?;
    }
    Ok(())
}

/// A compilation target of the toolchain in use.
pub(crate) fn target(target: &str) -> Outcome {
    let sysroot = shell::output(shell::command("rustc").args(["--print", "sysroot"]))
        .ok_or_else(|| Failure::usage("rustc does not run: install Rust from https://rustup.rs."))?;
    if PathBuf::from(sysroot).join("lib/rustlib").join(target).join("lib").is_dir() {
        return Ok(());
    }
    rustup(&["target", "add", target])
}

/// A toolchain beside the one in use.
pub(crate) fn toolchain(version: &str) -> Outcome {
    if shell::output(shell::command("rustup").args(["run", version, "rustc", "--version"])).is_some() {
        return Ok(());
    }
    rustup(&["toolchain", "install", "--profile", "minimal", version])
}

fn component(component: &str, subcommand: &str) -> Outcome {
    if shell::output(&mut shell::cargo(&[subcommand, "--version"])).is_some() {
        return Ok(());
    }
    rustup(&["component", "add", component])
}

fn rustup(arguments: &[&str]) -> Outcome {
    let typed = format!("rustup {}", arguments.join(" "));
    if paths::on_path(&["rustup"]).is_none() {
        return Err(Failure::usage(format!("This needs `{typed}`: install Rust from https://rustup.rs.")));
    }
    note(&typed);
    shell::run_aside(shell::command("rustup").args(arguments))
        .map_err(|_| Failure::usage(format!("`{typed}` failed: run it by hand, then try again.")))
}

/// The folder of `wasm-bindgen` and `wasm-bindgen-test-runner`, of exactly the version of the crate.
pub(crate) fn wasm_bindgen() -> Outcome<PathBuf> {
    tool("wasm-bindgen-cli", "wasm-bindgen", &paths::locked_version("wasm-bindgen")?, &[])
}

/// The folder of `wasm-pack`.
pub(crate) fn wasm_pack() -> Outcome<PathBuf> {
    // It only starts others: built without optimisation, in half the time.
    tool("wasm-pack", "wasm-pack", WASM_PACK_VERSION, &["--debug"])
}

fn tool(package: &str, program: &str, version: &str, how: &[&str]) -> Outcome<PathBuf> {
    let folder = paths::tool(package, version)?;
    let bin = folder.join("bin");
    if bin.join(format!("{program}{}", env::consts::EXE_SUFFIX)).is_file() {
        return Ok(bin);
    }
    note(&format!("cargo install {package} {version} (some minutes, once)"));
    let mut install = shell::cargo(&["install", "--quiet", "--locked", "--version", version, "--root"]);
    // A build of ours may hold the project's target folder; cargo then uses one of its own.
    install.arg(&folder).args(how).arg(package).env_remove("CARGO_TARGET_DIR");
    shell::run_aside(&mut install)?;
    Ok(bin)
}

/// `node_modules` as the lock file says.
fn npm_packages() -> Outcome {
    let lock = paths::root().join("package-lock.json");
    if paths::is_fresh(&paths::root().join("node_modules/.package-lock.json"), &lock) {
        return Ok(());
    }
    let verb = if lock.is_file() { "ci" } else { "install" };
    note(&format!("npm {verb}"));
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    shell::run_aside(shell::command(npm).args([verb, "--no-audit", "--no-fund", "--loglevel=error"]))
        .map_err(|_| Failure::usage(format!("`npm {verb}` failed: see above; npm packages are needed to build.")))
}

/// A Chromium: `$CHROMIUM`, or one on `PATH`, or installed now.
pub(crate) fn chromium() -> Outcome<PathBuf> {
    browser_program("CHROMIUM", &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
}

/// Its driver: `$CHROMEDRIVER`, or one on `PATH`, or installed now.
pub(crate) fn chromedriver() -> Outcome<PathBuf> {
    browser_program("CHROMEDRIVER", &["chromedriver"])
}

fn browser_program(variable: &str, names: &[&str]) -> Outcome<PathBuf> {
    if let Some(path) = env::var_os(variable).map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Failure::usage(format!("${variable} names {}, which is not there.", path.display())))
        };
    }
    if let Some(path) = paths::on_path(names) {
        return Ok(path);
    }
    install_browser();
    paths::on_path(names).ok_or_else(|| {
        Failure::usage(format!(
            "{} is missing: install Chromium and its driver (Debian: apt-get install chromium chromium-driver), or set ${variable}.",
            names[0]
        ))
    })
}

/// Debian and its kin, as root: what a container is. Elsewhere the caller names what is missing.
fn install_browser() {
    let is_root = shell::output(Command::new("id").arg("-u")).is_some_and(|id| id == "0");
    if !is_root || paths::on_path(&["apt-get"]).is_none() {
        return;
    }
    note("apt-get install chromium chromium-driver");
    for arguments in
        [&["update", "-q"][..], &["install", "-qy", "--no-install-recommends", "chromium", "chromium-driver"][..]]
    {
        let mut apt = shell::command("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        if shell::run_aside(&mut apt).is_err() {
            return;
        }
    }
}

/// The configuration of the browser for `wasm-bindgen-test-runner`.
pub(crate) fn webdriver_json() -> Outcome<PathBuf> {
    // `--no-sandbox`: the sandbox of Chromium does not start for root, as which containers run.
    let text = format!(
        r#"{{"goog:chromeOptions":{{"binary":"{}","args":["--headless=new","--no-sandbox","--disable-gpu","--disable-quic","--no-first-run","--disable-background-networking","--disable-component-update","--disable-sync"]}}}}"#,
        chromium()?.display()
    );
    let file = paths::target().join("webdriver.json");
    fs::create_dir_all(paths::target())
        .and_then(|()| fs::write(&file, text))
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))?;
    Ok(file)
}

fn note(line: &str) {
    eprintln!("headlight: {line}");
}
