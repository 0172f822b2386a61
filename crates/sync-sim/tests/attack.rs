//! A small part of the attack table keeps its limits; `cargo run --release -p sync-sim -- attack` prints all of it.

use sync_sim::table::{Attacker, Case, Row, Table};

const HEADERS: u64 = 40_000;

fn rows(table: &Table) -> Vec<Row> {
    let pool = table.pool();
    table.cases().iter().map(|case| case.run(&pool)).collect()
}

fn hold(rows: &[Row]) {
    let over: Vec<String> = rows.iter().filter(|row| !row.holds()).map(Row::line).collect();
    assert!(over.is_empty(), "{} of {} rows\n{}\n{}", over.len(), rows.len(), Row::HEAD, over.join("\n"));
}

#[test]
fn u03_a_first_sync_under_attack_keeps_its_limits() {
    let table =
        Table { headers: HEADERS, numbers: vec![16], new_ids: vec![5], reorgs: vec![false], ..Table::default() };
    hold(&rows(&table));
}

#[test]
fn a_reorg_under_attack_keeps_its_limits() {
    let table = Table { headers: HEADERS, numbers: vec![16], new_ids: vec![5], reorgs: vec![true], ..Table::default() };
    hold(&rows(&table));
}

#[test]
fn few_attackers_that_come_once_cost_little() {
    let table = Table { headers: HEADERS, numbers: vec![4], new_ids: vec![0], ..Table::default() };
    hold(&rows(&table));
}

#[test]
fn a_table_has_a_case_for_each_combination_and_its_limit() {
    let table = Table::default();
    let cases = table.cases();
    assert_eq!(cases.len(), 2 * Attacker::ALL.len() * 2 * 3);
    let limit = |number, new_ids| {
        let case = cases.iter().find(|case: &&Case| (case.number, case.new_ids) == (number, new_ids));
        case.expect("a case").ratio_max()
    };
    assert_eq!([limit(4, 0), limit(4, 1), limit(16, 0), limit(16, 5)], [150, 300, 300, 300]);
}

#[test]
fn a_row_that_is_over_its_limit_says_so() {
    let case = Case { headers: HEADERS, attacker: Attacker::Silent, number: 4, new_ids: 0, reorg: false };
    let row = |attacked| Row { case, undisturbed: Some(2_000_000), attacked, violation: None };
    assert!(row(Some(3_000_000)).holds() && !row(Some(3_020_000)).holds() && !row(None).holds());
    assert!(row(Some(3_020_000)).line().ends_with("| 1.51 | 1.5 | over |"));
    assert!(row(None).line().contains("> 10"));
}
