//! Results as JUnit's XML: what fails is a failure, what could not be looked at an error, and names stay text.

mod fixture;

use vouch_render::junit::suites;
use vouch_report::{CheckStatus, Command, Coverage, GateCoverage, Scope, Summary, TableCheck, Verdict};

fn check(schema: &str, name: &str, status: CheckStatus) -> TableCheck {
    TableCheck {
        schema: schema.to_owned(),
        name: name.to_owned(),
        status,
        method: "row-sha256".to_owned(),
        expected: "xor:aa".to_owned(),
        actual: "xor:bb".to_owned(),
        rows_expected: Some(4),
        rows: Some(5),
        reason: if status == CheckStatus::Valid {
            String::new()
        } else {
            "it has 5 rows, and \"should\" have 4".to_owned()
        },
        took_ms: 1_234,
        attempts: 1,
        at_ms: fixture::START,
    }
}

fn gate(verdict: Verdict, checks: Vec<TableCheck>) -> Summary {
    let gate = GateCoverage { checks, ..GateCoverage::default() };
    Summary {
        command: Command::Validate,
        run_id: "r".to_owned(),
        started_ms: fixture::START,
        finished_ms: fixture::START + 2_500,
        verdict,
        scope: Scope::default(),
        coverage: Coverage::Gate(Vec::new(), Box::new(gate)),
        findings: Vec::new(),
        skips: Vec::new(),
        errors: Vec::new(),
        notices: Vec::new(),
    }
}

#[test]
fn tables_of_a_gate_are_cases() {
    let checks = CheckStatus::ALL.into_iter().map(|status| check("app", status.name(), status)).collect();
    insta::assert_snapshot!(suites(&gate(Verdict::Findings, checks)));
}

#[test]
fn hostile_names_stay_text() {
    let xml =
        suites(&gate(fixture::verdict(&[], &[], None), vec![check("a&\"<", fixture::HOSTILE, CheckStatus::Valid)]));
    assert!(!xml.contains("<script>") && xml.contains("&lt;script&gt;"), "{xml}");
    let harmless = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
    assert!(xml.chars().all(harmless), "{xml}");
    assert_eq!(xml.matches("<testcase ").count(), 2, "{xml}");
}

#[test]
fn what_is_not_clean_has_a_case_that_is_not_passed() {
    for summary in [fixture::everything(), fixture::incomplete(), fixture::interrupted()] {
        let xml = suites(&summary);
        assert!(xml.contains("<failure ") || xml.contains("<error "), "{xml}");
    }
    let xml = suites(&fixture::clean());
    assert!(!xml.contains("<failure ") && !xml.contains("<error ") && xml.contains("<testcase "), "{xml}");
}
