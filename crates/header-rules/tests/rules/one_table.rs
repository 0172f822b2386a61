//! Names and ids of public networks also appear in other languages and texts; each list must match the table.

use std::{fs, path::Path};

use header_rules::chain::NETWORKS;

fn text(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// `11155111` and `11_155_111`.
fn spellings(id: u64) -> [String; 2] {
    let plain = id.to_string();
    let grouped = plain.as_bytes().rchunks(3).rev().map(|digits| String::from_utf8_lossy(digits)).collect::<Vec<_>>();
    let grouped = grouped.join("_");
    [plain, grouped]
}

#[test]
fn the_lists_of_the_page_and_of_the_tools_have_every_network() {
    let options = text("web/src/options.ts");
    let types = text("web/src/types.ts");
    let source = text("scripts/source.mjs");
    for network in &NETWORKS {
        let (name, ids) = (network.name, spellings(network.chain_id));
        let has_id =
            |text: &str, before: &str, after: &str| ids.iter().any(|id| text.contains(&format!("{before}{id}{after}")));
        assert!(has_id(&options, &format!("{name}: "), ","), "web/src/options.ts, CHAIN_IDS: {name}");
        assert!(types.contains(&format!("'{name}'")), "web/src/types.ts, ChainName: {name}");
        assert!(has_id(&source, "", &format!(": '{name}'")), "scripts/source.mjs, NETWORKS: {name}");
        for (path, what) in [("web/demo/parameters.ts", "`chain`"), ("crates/header-peer/src/args.rs", "--chain")] {
            assert!(text(path).contains(name), "{path}, {what}: {name}");
        }
    }
    let names = types.lines().find(|line| line.contains("type ChainName")).expect("the type is one line");
    assert_eq!(names.matches('\'').count(), 2 * NETWORKS.len(), "a name that is in no table: {names}");
}
