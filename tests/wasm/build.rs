//! Were the traces of native runs handed over? Without them the test that compares says that it is ignored, and why.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HEADLIGHT_SIM_TRACES");
    println!("cargo::rustc-check-cfg=cfg(native_traces)");
    if std::env::var_os("HEADLIGHT_SIM_TRACES").is_some() {
        println!("cargo::rustc-cfg=native_traces");
    }
}
