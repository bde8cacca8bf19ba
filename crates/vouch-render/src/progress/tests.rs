//! Tests of the progress: what stands on a terminal in memory, and what a writer gets.

#![allow(clippy::unwrap_used)]

use super::*;
use indicatif::InMemoryTerm;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vouch_report::{Code, Command, Coverage, Finding, KeyPart, Pause, Scope, Summary, Verdict};

fn chunk(table: &str, rows: u64) -> Event {
    Event::ChunkDone { table: table.to_owned(), replica: "r1".to_owned(), rows, equal: true }
}

fn finding(table: &str, id: u64) -> Event {
    let mut finding = Finding::new(Code::RowChanged, "the row differs");
    finding.location.table = Some(table.to_owned());
    finding.location.replica = Some("r1".to_owned());
    finding.location.key = vec![KeyPart { column: "id".to_owned(), value: id.to_string().into() }];
    Event::Finding(finding)
}

fn finished() -> Event {
    Event::RunFinished(Box::new(Summary {
        command: Command::Compare,
        run_id: "run".to_owned(),
        started_ms: 0,
        finished_ms: 1,
        verdict: Verdict::Incomplete,
        scope: Scope::default(),
        coverage: Coverage::default(),
        findings: Vec::new(),
        skips: Vec::new(),
        errors: Vec::new(),
        notices: Vec::new(),
    }))
}

fn terminal() -> (InMemoryTerm, Progress) {
    let term = InMemoryTerm::new(60, 80);
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(term.clone()), 200);
    (term, Progress::on(target, false))
}

/// Waits until the screen shows what is asked for.
fn shows(term: &InMemoryTerm, wanted: impl Fn(&str) -> bool) -> String {
    let begin = Instant::now();
    loop {
        let screen = term.contents();
        if wanted(&screen) || begin.elapsed() > Duration::from_secs(20) {
            return screen;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_terminal_shows_the_bar_the_tables_the_pause_and_the_keys() {
    let (term, progress) = terminal();
    progress.emit(&Event::Planned { tables: 2, rows: 1000, replicas: 2 });
    progress.emit(&Event::TableStarted { table: "shop.acc\nounts".to_owned(), rows: 1000 });
    progress.emit(&chunk("shop.acc\nounts", 500));
    progress.emit(&Event::Resolving { table: "shop.q".to_owned(), replica: "r1".to_owned(), keys: 7 });
    let pause = Pause { server: "r1".to_owned(), reason: "lag 4.2 s > 1.0 s".to_owned(), started_ms: 1, paused_ms: 0 };
    progress.emit(&Event::Paused(pause.clone()));
    let screen = shows(&term, |screen| screen.contains("paused") && screen.contains("500/2.00k"));
    assert!(screen.contains("25 %  500/2.00k rows"), "{screen}");
    assert!(screen.contains("finished   0/2 tables"), "{screen}");
    assert!(screen.contains(r"reading    shop.acc\nounts 25 %"), "{screen}");
    assert!(screen.contains("resolving  7 keys that may be in flight: shop.q on r1"), "{screen}");
    assert!(screen.contains("paused     r1: lag 4.2 s > 1.0 s"), "{screen}");
    progress.emit(&Event::Resumed(pause));
    progress.emit(&Event::Resolving { table: "shop.q".to_owned(), replica: "r1".to_owned(), keys: 0 });
    let screen = shows(&term, |screen| !screen.contains("paused") && !screen.contains("resolving"));
    assert!(!screen.contains("paused") && !screen.contains("resolving"), "{screen}");
    progress.emit(&finished());
    assert_eq!(term.contents(), "", "the bar disappears with the run");
}

#[test]
fn findings_scroll_up_to_a_limit_and_stay() {
    let (term, progress) = terminal();
    progress.emit(&Event::Planned { tables: 1, rows: 1000, replicas: 1 });
    for id in 0..500 {
        progress.emit(&finding("shop.a", id));
    }
    progress.emit(&finding("shop.b", 1));
    let screen = shows(&term, |screen| screen.contains("501 findings"));
    assert!(screen.contains("501 findings"), "{screen}");
    progress.emit(&finished());
    let screen = term.contents();
    assert_eq!(screen.matches("shop.a on r1  id=").count(), 20, "{screen}");
    assert_eq!(screen.matches("more are counted").count(), 1, "{screen}");
    assert!(screen.contains("row-changed        shop.b on r1  id=1"), "{screen}");
}

#[test]
fn a_table_that_was_estimated_wrongly_never_shows_more_than_all() {
    let mut board = board::Board::default();
    board.take(&Event::Planned { tables: 2, rows: 100, replicas: 1 });
    board.take(&Event::TableStarted { table: "a".to_owned(), rows: 50 });
    board.take(&chunk("a", 400));
    assert_eq!(board.position(), (400, 450));
    board.take(&Event::TableFinished { table: "a".to_owned() });
    assert_eq!(board.position(), (400, 450));
    board.take(&Event::TableStarted { table: "b".to_owned(), rows: 50 });
    board.take(&chunk("b", 10));
    board.take(&Event::TableFinished { table: "b".to_owned() });
    assert_eq!(board.position(), (410, 410));
}

#[test]
fn a_stuck_terminal_does_not_hold_the_engine_back() {
    /// A terminal whose writes take forever.
    #[derive(Debug)]
    struct Stuck;
    impl indicatif::TermLike for Stuck {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, _: &str) -> std::io::Result<()> {
            Ok(())
        }
        fn write_str(&self, _: &str) -> std::io::Result<()> {
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        fn clear_line(&self) -> std::io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let begin = Instant::now();
    let progress = Progress::on(ProgressDrawTarget::term_like(Box::new(Stuck)), false);
    progress.emit(&Event::Planned { tables: 1, rows: 1000, replicas: 1 });
    for id in 0..200_000 {
        progress.emit(&chunk("a", 1));
        progress.emit(&finding("a", id));
    }
    progress.emit(&finished());
    drop(progress);
    assert!(begin.elapsed() < Duration::from_secs(60), "took {:?}", begin.elapsed());
}

#[test]
fn plain_progress_is_one_line_for_each_finished_table() {
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let out = Shared::default();
    let progress = Progress::plain(Box::new(out.clone()));
    progress.emit(&Event::Planned { tables: 1, rows: 1000, replicas: 2 });
    progress.emit(&chunk("a.\u{1b}b", 1500));
    progress.emit(&chunk("a.\u{1b}b", 500));
    progress.emit(&finding("a.\u{1b}b", 1));
    progress.emit(&Event::TableFinished { table: "a.\u{1b}b".to_owned() });
    progress.emit(&finished());
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text, "a.\\u{1b}b: 2,000 rows compared, 1 finding\n");
}
