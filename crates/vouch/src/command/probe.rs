//! `vouch probe`: the daemon's answer where one runs, else a look of its own.

use super::{recording, wire};
use crate::cli::Verb;
use crate::cli::probe::{
    FlavorName, GrantsArgs, HeartbeatArgs, PassPersistArgs, ProbeAction, ProbeArgs, ProbeFormat, QuestionArgs,
    ReplayArgs, Service, Shape, WatchArgs,
};
use crate::complaint::{Complaint, cause, printable};
use crate::config::{Origin, Origins, watch};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::terminal::say;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vouch_probe::heartbeat::{Beat, Beater};
use vouch_probe::protocol::snmp::{PassPersist, Step};
use vouch_probe::protocol::{self, Format, Query, Said};
use vouch_probe::watch::{Plan, Watch};
use vouch_probe::{History, Moment, socket};
use vouch_report::health::{self, Board};
use vouch_report::{Command, Coverage, Item, ItemKind, Outcome, Recorder, RunContext};
use vouch_server::{Flavor, Limits, Registry, Session, probe_grants};

/// Does what the command line asks for.
pub fn run(verb: Verb, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let Verb::Probe(args) = verb else { return Ok(Exit::Usage) };
    let ProbeArgs { action, watch, question } = *args;
    match action {
        None => once(&watch, &question, origins, variables),
        Some(ProbeAction::PassPersist(args)) => pass_persist(&args, origins, variables),
        Some(ProbeAction::Heartbeat(args)) => heartbeat(&args, origins, variables),
        Some(ProbeAction::Replay(args)) => replay(&args),
        Some(ProbeAction::Grants(args)) => grants(&args),
        Some(ProbeAction::Doctor(args)) => doctor(&args.watch, origins, variables),
    }
}

/// Where the daemon's socket is, by default.
pub fn socket_path(given: Option<&PathBuf>, variables: &Environment) -> PathBuf {
    let own = || variables.path("XDG_RUNTIME_DIR").map(|folder| folder.join("vouch.sock"));
    given.cloned().or_else(own).unwrap_or_else(|| PathBuf::from("/run/vouch/vouch.sock"))
}

fn once(
    watch: &WatchArgs,
    question: &QuestionArgs,
    origins: &Origins,
    variables: &Environment,
) -> Result<Exit, Complaint> {
    let query = query(watch, question);
    let path = socket_path(question.socket.as_ref(), variables);
    // Nodes on the command line may be others than the daemon's.
    let named = ["node", "self", "peer"].iter().any(|option| origins.of(option) == Origin::Flag);
    let may_ask = !question.no_daemon && question.record.is_none() && (!named || question.socket.is_some());
    if may_ask && let Ok(said) = socket::ask(&path, name(question.format), &words(&query)) {
        return tell(&quieted(said, question));
    }
    let watched = watch::plan(watch, origins, variables)?;
    if !question.quiet {
        watched.warnings.iter().for_each(|warning| say(&format!("warning: {}", printable(warning))));
    }
    let patience = patience(&watched.plan);
    let watcher = Watch::start(watched.plan);
    let board = watcher.first(patience);
    if let Some(file) = &question.record {
        record(file, &watcher.moments())?;
    }
    tell(&quieted(answer(question.format, &board, &query), question))
}

fn quieted(said: Said, question: &QuestionArgs) -> Said {
    if question.quiet { Said { talk: String::new(), ..said } } else { said }
}

/// A look takes the deadline at most; what is under way then is judged as stalled.
fn patience(plan: &Plan) -> Duration {
    plan.deadline + Duration::from_millis(200)
}

fn query(watch: &WatchArgs, question: &QuestionArgs) -> Query {
    let writes = question.format == ProbeFormat::LbText || watch.nodes.policy == Shape::ActivePassive;
    let service = match question.service {
        Some(Service::Rw) => health::Service::Write,
        Some(Service::Ro) => health::Service::Read,
        None if writes => health::Service::Write,
        None => health::Service::Read,
    };
    let max_lag_ms = question.lag.map(vouch_convert::millis);
    Query { service, node: question.about.clone(), max_lag_ms }
}

fn words(query: &Query) -> String {
    let mut words = query.service.name().to_owned();
    query.node.iter().for_each(|node| words.push_str(&format!(" {}", node.split_whitespace().collect::<String>())));
    query.max_lag_ms.iter().for_each(|ms| words.push_str(&format!(" lag={ms}ms")));
    words
}

fn name(format: ProbeFormat) -> &'static str {
    match format {
        ProbeFormat::Human => "human",
        ProbeFormat::LbText => "lb-text",
        ProbeFormat::Haproxy => "haproxy",
        ProbeFormat::Nagios => "nagios",
        ProbeFormat::Json => "json",
    }
}

fn answer(format: ProbeFormat, board: &Board, query: &Query) -> Said {
    let format = match format {
        ProbeFormat::Json => return wire::document(board, query),
        ProbeFormat::Human => Format::Human,
        ProbeFormat::LbText => Format::LbText,
        ProbeFormat::Haproxy => Format::Haproxy,
        ProbeFormat::Nagios => Format::Nagios,
    };
    protocol::say(format, board, query)
}

/// Data to stdout, talk to stderr, and the exit code of the protocol.
fn tell(said: &Said) -> Result<Exit, Complaint> {
    if !said.talk.is_empty() {
        say(&format!("vouch: {}", printable(&said.talk)));
    }
    super::write(&said.text)?;
    Ok(Exit::Protocol(said.exit))
}

fn record(file: &PathBuf, moments: &[Arc<Moment>]) -> Result<(), Complaint> {
    std::fs::write(file, recording::text(moments)).map_err(|error| {
        Complaint::incomplete(format!("the facts could not be written to {}: {}", file.display(), cause(&error)))
            .hint("look for a full disk, or name another file")
    })
}

fn replay(args: &ReplayArgs) -> Result<Exit, Complaint> {
    let wrong = |problem: String| {
        Complaint::usage(format!("the recording {} could not be read: {problem}", args.file.display()))
            .hint("name a file that `vouch probe --record FILE` wrote, or the daemon's /facts")
    };
    let text = std::fs::read_to_string(&args.file).map_err(|error| wrong(cause(&error)))?;
    let moments = recording::read(&text).map_err(wrong)?;
    let names = moments.iter().flat_map(|(facts, _)| &facts.nodes).map(|node| node.name.clone()).collect::<Vec<_>>();
    let policy = watch::policy_alone(&args.watch, &names)?;
    let (mut before, mut board) = (History::default(), Board::default());
    for (facts, recorded) in moments {
        let (verdict, next) = vouch_probe::verdict(&facts, &policy, recorded.as_ref().unwrap_or(&before));
        before = next;
        board.transitions.extend(verdict.transitions);
        (board.at_ms, board.nodes) = (facts.at_ms, verdict.nodes);
    }
    let question = Query { node: args.about.clone(), ..Query::of(health::Service::Read) };
    tell(&answer(args.format, &board, &question))
}

fn pass_persist(args: &PassPersistArgs, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let mut talk = PassPersist::new(&args.oid).ok_or_else(|| {
        Complaint::usage(format!("{} is no OID", args.oid)).hint("an OID is numbers with dots between them")
    })?;
    let watched = watch::plan(&args.watch, origins, variables)?;
    let patience = patience(&watched.plan);
    let watch = Watch::start(watched.plan);
    watch.first(patience);
    let (stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    for line in stdin.lines() {
        let Ok(line) = line else { break };
        match talk.line(&line, &watch.board()) {
            Step::Wait => {}
            Step::End => break,
            Step::Reply(text) => {
                // snmpd has gone away: nobody is left to be told.
                if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
                    break;
                }
            }
        }
    }
    Ok(Exit::Clean)
}

fn heartbeat(args: &HeartbeatArgs, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let watched = watch::plan(&args.watch, origins, variables)?;
    let table = args.watch.nodes.heartbeat_table.clone().ok_or_else(|| {
        Complaint::usage("no table of heartbeats is given").hint("name it with --heartbeat-table DB.TABLE")
    })?;
    if !args.update {
        let patience = patience(&watched.plan);
        let watch = Watch::start(watched.plan);
        let board = watch.first(patience);
        return tell(&answer(ProbeFormat::Human, &board, &Query::of(health::Service::Read)));
    }
    let Plan { nodes, interval, deadline, .. } = watched.plan;
    let mut beaters: Vec<Beater> =
        nodes.into_iter().map(|node| Beater::new(node.target, table.clone(), deadline)).collect();
    let mut create = args.create;
    loop {
        let outcomes: Vec<_> = beaters.iter_mut().map(|beater| beater.beat(create)).collect();
        let written = outcomes.iter().any(|outcome| matches!(outcome, Ok(Beat::Written)));
        create = create && !written;
        for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            say(&format!("vouch: {}", printable(&error.to_string())));
        }
        if args.once {
            return Ok(if written { Exit::Clean } else { Exit::Incomplete });
        }
        std::thread::sleep(interval);
    }
}

fn grants(args: &GrantsArgs) -> Result<Exit, Complaint> {
    let flavor = match args.flavor {
        FlavorName::Mysql => Flavor::Mysql,
        FlavorName::Mariadb => Flavor::Mariadb,
    };
    super::write(&probe_grants(flavor, &args.user, &args.host, args.heartbeat_table.as_ref(), args.update))
}

/// Asks everything that a probe asks, and says what is refused.
fn doctor(args: &WatchArgs, origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let watched = watch::plan(args, origins, variables)?;
    let recorder = Recorder::begin(Command::Probe, RunContext::silent());
    let mut text = String::new();
    for node in &watched.plan.nodes {
        let limits =
            Limits { connect: args.policy.deadline, read: args.policy.deadline, handshakes: 1, ..Limits::default() };
        let checks = match Session::open(&node.target, limits, &std::sync::Arc::<Registry>::default()) {
            Ok(mut session) => examine(&mut session, node),
            Err(error) => vec![("connect", Err(error))],
        };
        for (what, outcome) in checks {
            let settled = if outcome.is_ok() { Outcome::verified() } else { Outcome::Differs };
            recorder.settled(Item::new(ItemKind::Node, format!("{}: {what}", node.name)), settled);
            let (mark, why) = match outcome {
                Ok(()) => ("ok", String::new()),
                Err(error) => ("no", format!("  {error}")),
            };
            text.push_str(&format!("{}  {mark}  {what}{}\n", printable(&node.name), printable(&why)));
        }
    }
    let exit = Exit::from(recorder.finish(Coverage::empty(Command::Probe)).verdict);
    if exit != Exit::Clean {
        say("hint: `vouch probe grants` prints the statements that grant what is missing");
    }
    super::write(&text)?;
    Ok(exit)
}

type Check = (&'static str, vouch_server::Result<()>);

fn examine(session: &mut Session, node: &vouch_probe::collect::NodeSpec) -> Vec<Check> {
    let mut checks = vec![
        ("connect", Ok(())),
        ("settings and status", session.health_settings().and(session.health_status()).map(drop)),
        ("the state of replication", session.replica_status().map(drop)),
        ("transactions that it has", session.executed().map(drop)),
        ("the applier's timestamps", session.applier_delays().map(drop)),
    ];
    if let Some(table) = &node.heartbeat {
        checks.push(("the table of heartbeats", session.heartbeats(table).map(drop)));
    }
    checks
}
